import sys

import numpy as np
import pytest

from iunet_med.datasets.simulation.anatomy import (
    compose,
    individual,
    jacobian,
    load_template,
    push,
    sample_tissues,
    without_folds,
)
from iunet_med.datasets.simulation.fields import Grid

GRID = Grid(4.0)


def test_missing_nilearn_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nilearn", None)
    with pytest.raises(ImportError, match=r"simulator needs it: pip install 'iunet-med\[demo\]'"):
        load_template.__wrapped__()


def test_tissues_fill_every_voxel_and_brains_differ() -> None:
    brains = []
    for seed in range(2):
        displacement, build = individual(np.random.default_rng(seed), GRID)
        tissues = sample_tissues(displacement, build, GRID)
        np.testing.assert_allclose(tissues.wm + tissues.gm + tissues.csf, 1, atol=1e-5)
        assert jacobian(displacement, GRID).min() > 0
        assert 1100 < tissues.mask.sum() * 0.064 < 2600  # ml, with the fluid around the brain
        brains.append(tissues.mask)
    assert (brains[0] ^ brains[1]).sum() > 0.05 * brains[0].sum()


def test_push_points_outwards_and_does_not_fold() -> None:
    centre = np.array([20.0, -30.0, 10.0])
    displacement = push(GRID, centre, radius_mm=25, amount_mm=20)
    inwards = sum(d * (a - c) for d, a, c in zip(displacement, GRID.axes(), centre, strict=True))
    assert inwards.max() <= 0  # tissue seen at a place comes from nearer to the centre
    assert jacobian(displacement, GRID).min() > 0


def test_jacobian_of_a_linear_map_is_its_determinant() -> None:
    matrix = np.array([[0.1, 0.2, 0.0], [-0.1, 0.3, 0.1], [0.0, 0.05, -0.2]], np.float32)
    x, y, z = GRID.axes()
    linear = np.stack([a * x + b * y + c * z for a, b, c in matrix])
    np.testing.assert_allclose(jacobian(linear, GRID), np.linalg.det(np.eye(3) + matrix), rtol=1e-3)


def test_composition_of_translations_adds_and_of_a_push_with_its_opposite_undoes() -> None:
    shift = np.ones((3, *GRID.shape), np.float32)
    np.testing.assert_allclose(compose(2 * shift, 3 * shift, GRID), 5 * shift, rtol=1e-5)
    out = push(GRID, np.zeros(3), radius_mm=40, amount_mm=2)
    assert np.abs(compose(out, -out, GRID)).max() < 0.1 * np.abs(out).max()


def test_folds_are_removed() -> None:
    displacement = push(GRID, np.zeros(3), radius_mm=20, amount_mm=40)
    assert jacobian(displacement, GRID).min() < 0
    assert jacobian(without_folds(displacement, GRID), GRID).min() > 0.1
