"""Copies, half fields of view and swapped contrasts are reported, and the right order is not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from iunet_med.checks.contrast import check_contrast

NAMES = ["t1", "t1c", "t2", "flair"]


def head() -> NDArray[np.float32]:
    """Four modalities of white and grey matter and CSF, which is dark in t1 and flair and bright in t2."""
    noise = np.random.default_rng(0)
    data = np.zeros((4, 24, 24, 24), np.float32)
    tissue = noise.choice(3, (18, 18, 18), p=[0.5, 0.35, 0.15])
    for image, means in zip(data, ((300, 200, 60), (310, 220, 80), (150, 220, 600), (200, 250, 120)), strict=True):
        image[3:21, 3:21, 3:21] = np.array(means)[tissue] + noise.normal(0, 15, tissue.shape)
    return data


def found(data: NDArray[np.float32]) -> list[str]:
    return [finding.check for finding in check_contrast(data, NAMES)]


def test_the_right_order_is_silent() -> None:
    assert found(head()) == []


@pytest.mark.parametrize(
    ("order", "told"),
    [([2, 1, 0, 3], "t1 and t2 seem"), ([3, 1, 2, 0], "t1 and flair seem"), ([0, 1, 3, 2], "t2 and flair, or")],
)
def test_swaps(order: list[int], told: str) -> None:
    (finding,) = check_contrast(head()[order], NAMES)
    assert (finding.level, finding.check) == ("warning", "swapped")
    assert finding.message.startswith(told)


@pytest.mark.parametrize("scale", [1, 3, -2])
def test_copies_scaled_and_with_a_hot_voxel(scale: float) -> None:
    data = head()
    data[1] = scale * data[0]
    data[1, 12, 12, 12] = 1e9
    assert found(data) == ["copy"]


def test_half_a_field_of_view() -> None:
    data = head()
    data[2, :, :, :12] = 0
    (finding,) = check_contrast(data, NAMES)
    assert finding.check == "coverage"
    assert finding.message.startswith("t2 is zero in 50% of the head that the other modalities show")


def test_too_little_to_compare_is_silent() -> None:
    assert found(np.zeros((4, 5, 5, 5), np.float32)) == []
    assert check_contrast(head()[:1], ["t1"]) == []
