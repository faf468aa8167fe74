"""Holes do not overlap, come in many sizes, and the same seed is the same foam at another resolution."""

import numpy as np
import pytest

from iunet_med.datasets.simulation.foam import place_holes, simulate_foam


def test_holes_lie_in_the_cylinder_and_apart() -> None:
    holes = place_holes(np.random.default_rng(0), holes=300)
    centres, radii = holes[:, :3], holes[:, 3]
    gaps = np.linalg.norm(centres[:, None] - centres[None], axis=2) - radii[:, None] - radii[None]
    np.fill_diagonal(gaps, 1)
    assert gaps.min() > -1e-9
    assert (np.hypot(centres[:, 0], centres[:, 1]) + radii).max() < 1
    assert (np.abs(centres[:, 2]) + radii).max() < 1
    assert radii.max() > 5 * radii.min()


def test_the_same_seed_is_the_same_foam_at_another_size() -> None:
    fine, coarse = simulate_foam(3, size=64, holes=200), simulate_foam(3, size=32, holes=200)
    means = fine.reshape(32, 2, 32, 2, 32, 2).mean((1, 3, 5))
    assert np.abs(means - coarse).mean() < 0.02
    assert simulate_foam(3, size=32, holes=200).tobytes() == coarse.tobytes()
    assert (coarse != simulate_foam(4, size=32, holes=200)).any()
    assert (float(fine.min()), float(fine.max())) == (0, 1)
    cylinder = simulate_foam(3, size=64, holes=0)
    assert 0.1 < 1 - fine.sum() / cylinder.sum() < 0.7


def test_bad_sizes_are_told() -> None:
    with pytest.raises(ValueError, match="size=4, seed=0, holes=1000: expected a size of 8 voxels or more"):
        simulate_foam(0, size=4)
