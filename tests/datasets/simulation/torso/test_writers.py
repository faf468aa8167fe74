"""One person in three layouts, found again with the same classes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from iunet_med.datasets import OrganLayout
from iunet_med.datasets.organ_labels import read_organs
from iunet_med.datasets.simulation.torso import (
    ORGAN_VALUES,
    SimulatedCt,
    write_ct_masks,
    write_ct_msd,
    write_ct_nnunet,
)
from iunet_med.volumes import read_volume

CASE = SimulatedCt(
    np.random.default_rng(0).integers(-1000, 400, (5, 6, 7)).astype(np.int16),
    np.random.default_rng(1).integers(0, len(ORGAN_VALUES) + 1, (5, 6, 7)).astype(np.uint8),
    np.array([[-3.0, 0, 0, 10], [0, 3, 0, -20], [0, 0, 3, 5], [0, 0, 0, 1]]),
    "native",
)


@pytest.mark.parametrize("write", [write_ct_msd, write_ct_nnunet, write_ct_masks])
def test_every_layout_is_found_with_the_chosen_classes(write: Callable[..., object], tmp_path: Path) -> None:
    write(tmp_path, [CASE, CASE], start=4)
    cases, problems = OrganLayout(organs=("liver", "spleen")).find(tmp_path, labelled=True)
    assert problems == []
    assert [case["case"][-1] for case in cases] == ["4", "5"]
    classes, _ = read_organs(cases[0])
    np.testing.assert_array_equal(classes.array == 1, CASE.label == ORGAN_VALUES["liver"])
    np.testing.assert_array_equal(classes.array == 2, CASE.label == ORGAN_VALUES["spleen"])
    np.testing.assert_allclose(classes.affine, CASE.affine)
    np.testing.assert_array_equal(read_volume(cases[0]["image"]).array, CASE.image)
