"""Runs rebuild their label map, and their parts are those that scipy finds."""

from itertools import permutations

import numpy as np
import pytest
from scipy.ndimage import label as scipy_label

from iunet_med.checks.connected_parts import connected_runs


def noise(seed: int, density: float) -> np.ndarray:
    drawn = np.random.default_rng(seed)
    return (drawn.integers(1, 4, (7, 9, 11)) * (drawn.random((7, 9, 11)) < density)).astype(np.uint8)


@pytest.mark.parametrize("axes", [*permutations(range(3))])
@pytest.mark.parametrize("density", [0.1, 0.3, 0.8])
def test_parts_are_the_26_connected_ones(axes: tuple[int, ...], density: float) -> None:
    label = noise(sum(axes), density).transpose(axes)
    runs = connected_runs(label)
    parts = np.zeros(label.shape, np.int64)
    rebuilt = np.zeros_like(label)
    for start, end, value, part in zip(runs.start, runs.end, runs.value, runs.part, strict=True):
        box = tuple(map(slice, start, end))
        assert not rebuilt[box].any()
        parts[box], rebuilt[box] = part + 1, value
    np.testing.assert_array_equal(rebuilt, label)
    expected = 0
    for value in (1, 2, 3):
        reference, count = scipy_label(label == value, np.ones((3, 3, 3)))
        pairs = {*zip(reference[reference > 0].tolist(), parts[label == value].tolist(), strict=True)}
        assert len(pairs) == count == len({part for _, part in pairs})
        expected += count
    assert len(np.unique(runs.part)) == expected


@pytest.mark.parametrize("shape", [(4, 5, 6), (1, 1, 1), (0, 3, 3), (3, 3, 0)])
def test_nothing_labelled_has_no_runs(shape: tuple[int, int, int]) -> None:
    assert len(connected_runs(np.zeros(shape, np.int16)).length) == 0


def test_full_volume_is_one_part() -> None:
    runs = connected_runs(np.ones((3, 4, 5), np.uint8))
    assert (runs.length.sum(), set(runs.part)) == (60, {0})
