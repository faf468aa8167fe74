"""Metrics of shifted cubes are known numbers, and empty regions follow the stated rule."""

import numpy as np
import pytest

from iunet_med.evaluation.metrics import MISSED_REGION_MM, Metrics, region_metrics

LESION = {"lesion": (1,)}


def cube(start: int, *, size: int = 6, axis: int = 0) -> np.ndarray:
    labels = np.zeros((24, 24, 24), np.uint8)
    box = [slice(8, 8 + size)] * 3
    box[axis] = slice(start, start + size)
    labels[tuple(box)] = 1
    return labels


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shift", [0, 1, 3, 8])
def test_shifted_cubes(shift: int, axis: int) -> None:
    spacing = (1.0, 1.5, 3.0)
    found = region_metrics(cube(8 + shift, axis=axis), cube(8, axis=axis), regions=LESION, spacing_mm=spacing)["lesion"]
    overlap = max(6 - shift, 0) / 6
    assert found.dice == pytest.approx(overlap)
    assert found.sensitivity == pytest.approx(overlap)
    assert found.specificity == pytest.approx(1 - (1 - overlap) * 216 / (24**3 - 216))
    # A face of 36 of the surface's 152 voxels lies at the full distance: more than 5 %.
    assert found.hd95_mm == pytest.approx(shift * spacing[axis])


def test_the_distance_is_the_95th_percentile() -> None:
    truth = cube(2, size=12)
    speck = truth.copy()
    speck[22, 22, 22] = 1
    found = region_metrics(speck, truth, regions=LESION, spacing_mm=(1, 1, 1))["lesion"]
    assert found.hd95_mm == 0
    assert found.sensitivity == 1


def test_empty_regions() -> None:
    nothing, something = np.zeros((24, 24, 24), np.uint8), cube(8)
    cases = {
        "both": (nothing, nothing, Metrics(1, 1, 1, 0)),
        "missed": (nothing, something, Metrics(0, 0, 1, MISSED_REGION_MM)),
        "invented": (something, nothing, Metrics(0, 0, 1 - 216 / 24**3, MISSED_REGION_MM)),
    }
    for name, (prediction, truth, expected) in cases.items():
        found = region_metrics(prediction, truth, regions=LESION, spacing_mm=(1, 1, 1))["lesion"]
        assert found == expected, name
    assert np.linalg.norm([240, 240, 155]) < MISSED_REGION_MM < np.linalg.norm([240, 240, 155]) + 1


def test_a_truth_that_fills_the_volume() -> None:
    full = np.ones((4, 4, 4), np.uint8)
    assert region_metrics(full, full, regions=LESION, spacing_mm=(1, 1, 1)) == {"lesion": Metrics(1, 1, 1, 0)}


@pytest.mark.parametrize("seed", range(4))
def test_the_distance_is_that_of_all_pairs_of_surface_voxels(seed: int) -> None:
    draw = np.random.default_rng(seed)
    spacing = np.array([0.9, 1.2, 2.5])
    maps = [np.pad(draw.random((5, 6, 4)) < 0.3, ((2, 3), (0, 1), (4, 0))).astype(np.uint8) for _ in range(2)]
    ours, theirs = (np.argwhere((labels == 1) & (_eroded(labels) == 0)) * spacing for labels in maps)
    pairs = np.linalg.norm(ours[:, None] - theirs, axis=-1)
    expected = max(np.percentile(pairs.min(1), 95), np.percentile(pairs.min(0), 95))
    found = region_metrics(*maps, regions=LESION, spacing_mm=spacing)["lesion"]
    assert found.hd95_mm == pytest.approx(expected)


def _eroded(labels: np.ndarray) -> np.ndarray:
    """Voxels whose six neighbours are all inside."""
    padded = np.pad(labels, 1)
    shifts = [np.roll(padded, step, axis) for axis in range(3) for step in (-1, 1)]
    return np.min(shifts, axis=0)[1:-1, 1:-1, 1:-1]
