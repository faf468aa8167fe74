"""Dice is a known number for known overlaps."""

import numpy as np
import pytest

from iunet_med.evaluation.dice import region_dice, region_masks

BRATS = {"ET": (3,), "TC": (1, 3), "WT": (1, 2, 3)}


def labels(*runs: tuple[int, int]) -> np.ndarray:
    """A map of 10 x 2 x 2 voxels whose first axis holds runs of (label, length)."""
    row = [label for label, length in runs for _ in range(length)]
    return np.broadcast_to(np.array(row)[:, None, None], (10, 2, 2))


def test_known_overlap() -> None:
    truth, prediction = labels((1, 4), (0, 6)), labels((0, 2), (1, 4), (0, 4))
    assert region_dice(prediction, truth, regions={"lesion": (1,)}) == {"lesion": pytest.approx(2 * 2 / (4 + 4))}


def test_regions_are_nested_unions_of_labels() -> None:
    truth, prediction = labels((3, 2), (1, 2), (2, 4), (0, 2)), labels((2, 2), (1, 4), (3, 2), (0, 2))
    scores = region_dice(prediction, truth, regions=BRATS)
    assert scores == {"ET": 0.0, "TC": pytest.approx(2 * 2 / (4 + 6)), "WT": 1.0}
    enhancing, core, whole = region_masks(truth, BRATS)
    assert (whole >= core).all()
    assert (core >= enhancing).all()


def test_empty_regions() -> None:
    nothing, something = labels((0, 10)), labels((3, 1), (0, 9))
    assert set(region_dice(nothing, nothing, regions=BRATS).values()) == {1.0}
    assert set(region_dice(something, nothing, regions=BRATS).values()) == {0.0}
    assert set(region_dice(nothing, something, regions=BRATS).values()) == {0.0}


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 2, 2\) and the truth \(10, 2, 2\)"):
        region_dice(np.zeros((2, 2, 2)), labels((0, 10)), regions=BRATS)
