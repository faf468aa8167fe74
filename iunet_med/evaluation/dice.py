"""Dice of nested regions between two label maps."""

import numpy as np
import torch
from monai.metrics import compute_dice
from numpy.typing import ArrayLike, NDArray

from iunet_med.datasets.layouts import Regions

"""Name of a region -> the label values that it joins, as in `{"ET": (3,), "TC": (1, 3), "WT": (1, 2, 3)}`."""


def region_masks(labels: ArrayLike, regions: Regions) -> NDArray[np.bool_]:
    """Label map (D, H, W) -> one mask per region (R, D, H, W), in the order of `regions`."""
    labels = np.asarray(labels)
    return np.stack([np.isin(labels, list(values)) for values in regions.values()])


def region_dice(prediction: ArrayLike, truth: ArrayLike, *, regions: Regions) -> dict[str, float]:
    """Dice of each region for two label maps (D, H, W) on one grid.

    A region that is empty in both maps scores 1; one that is empty in one of them scores 0, as in the BraTS challenge.

    Raises:
        ValueError: the shapes differ.
    """
    if np.shape(prediction) != np.shape(truth):
        raise ValueError(
            f"the prediction has shape {np.shape(prediction)} and the truth {np.shape(truth)}; "
            "Dice needs one grid: predict on the truth's grid, or resample with nearest neighbours."
        )
    predicted, true = (torch.from_numpy(region_masks(labels, regions))[None] for labels in (prediction, truth))
    scores = compute_dice(predicted, true, ignore_empty=False)[0]
    return dict(zip(regions, scores.tolist(), strict=True))
