"""Dice, sensitivity, specificity and 95 % Hausdorff distance of nested regions between two label maps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt, find_objects

from iunet_med.datasets.layouts import Regions
from iunet_med.evaluation.dice import region_dice, region_masks

MISSED_REGION_MM = 374.0
"""The distance of a region that only one map has: the diagonal of a BraTS volume (240 x 240 x 155 mm), rounded up."""


@dataclass(frozen=True)
class Metrics:
    """How well one region agrees; all but the distance lie in 0..1, and 1 is perfect."""

    dice: float
    sensitivity: float
    specificity: float
    hd95_mm: float


def region_metrics(
    prediction: ArrayLike, truth: ArrayLike, *, regions: Regions, spacing_mm: Sequence[float]
) -> dict[str, Metrics]:
    """Metrics of each region for two label maps (X, Y, Z) on one grid with voxels of `spacing_mm`.

    A region that both maps lack scores Dice and sensitivity 1 and distance 0; one that a single map lacks scores Dice
    and sensitivity 0 and distance `MISSED_REGION_MM`. A truth that fills the volume has specificity 1.
    The distance is the larger one of both directions' 95th percentiles between the voxels at the surfaces.

    Raises:
        ValueError: the shapes differ.
    """
    dice = region_dice(prediction, truth, regions=regions)
    pairs = zip(regions, region_masks(prediction, regions), region_masks(truth, regions), strict=True)
    return {
        name: Metrics(dice[name], *_rates(predicted, true), _hausdorff_95(predicted, true, spacing_mm))
        for name, predicted, true in pairs
    }


def _rates(predicted: NDArray[np.bool_], true: NDArray[np.bool_]) -> tuple[float, float]:
    positives, negatives = int(true.sum()), int((~true).sum())
    sensitivity = int((predicted & true).sum()) / positives if positives else float(not predicted.any())
    specificity = int((~predicted & ~true).sum()) / negatives if negatives else 1.0
    return sensitivity, specificity


def _hausdorff_95(predicted: NDArray[np.bool_], true: NDArray[np.bool_], spacing_mm: Sequence[float]) -> float:
    if not (predicted.any() and true.any()):
        return MISSED_REGION_MM if predicted.any() or true.any() else 0.0
    (box,) = find_objects((predicted | true).astype(np.uint8))  # holds all surfaces, and is much smaller
    ours, theirs = (mask[box] & ~binary_erosion(mask[box]) for mask in (predicted, true))
    to_ours, to_theirs = (distance_transform_edt(~surface, sampling=spacing_mm) for surface in (ours, theirs))
    return float(max(np.percentile(to_theirs[ours], 95), np.percentile(to_ours[theirs], 95)))
