"""Volumes, boxes, connected parts and intensities of the labels of a label map."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iunet_med.checks.connected_parts import Runs, connected_runs
from iunet_med.volumes.grid import voxel_ml


@dataclass(frozen=True)
class RegionMeasure:
    """How much of a label there is, and where.

    Args:
        name: the label's name.
        value: its value in the label map.
        volume_ml: its volume in millilitres.
        bounding_box: voxels (i0, i1, j0, j1, k0, k1), ends exclusive; empty where the label is absent.
        components: the number of its parts, whose voxels touch by a face, an edge or a corner (26-connected).
        largest_ml: the volume of the largest part.
        touches_edge: whether it reaches the image's edge, and may go on beyond it.
        mean, median, deviation: of the image's values in it, and their standard deviation; None where the label is
            absent, or the values have no unit.
    """

    name: str
    value: int
    volume_ml: float
    bounding_box: tuple[int, ...]
    components: int
    largest_ml: float
    touches_edge: bool
    mean: float | None
    median: float | None
    deviation: float | None


def measure_labels(
    label: NDArray[Any], affine: ArrayLike, *, names: Mapping[int, str], image: NDArray[Any] | None = None
) -> list[RegionMeasure]:
    """Measure each label of `names`, in its order, absent ones too.

    Args:
        label: label map (X, Y, Z) of integers, 0 is the background.
        affine: voxel index to mm, (4, 4); may be oblique.
        names: the name of each label value.
        image: values on the same grid that have a unit, such as HU.

    Raises:
        ValueError: the label map is not three-dimensional or not of integers, or has a value without a name.
    """
    if label.ndim != 3 or label.dtype.kind not in "iu":
        raise ValueError(
            f"the label map has shape {label.shape} and type {label.dtype}; expected three axes (X, Y, Z) of integers; "
            "take one channel, and convert with .astype('uint8')."
        )
    runs = connected_runs(label)
    if unnamed := sorted(set(np.unique(runs.value).tolist()) - set(names)):
        raise ValueError(
            f"the label map has the values {unnamed}, which the names {dict(names)} lack; name every value but 0, "
            "the background."
        )
    each_ml = voxel_ml(affine)
    end = runs.end
    return [_measure(runs, end, value, name, each_ml, label, image) for value, name in names.items()]


def _measure(
    runs: Runs,
    end: NDArray[np.int64],
    value: int,
    name: str,
    voxel_ml: float,
    label: NDArray[Any],
    image: NDArray[Any] | None,
) -> RegionMeasure:
    own = np.flatnonzero(runs.value == value)
    if not own.size:
        return RegionMeasure(name, value, 0.0, (), 0, 0.0, False, None, None, None)
    low, high = runs.start[own].min(axis=0).tolist(), end[own].max(axis=0).tolist()
    parts, place = np.unique(runs.part[own], return_inverse=True)
    voxels = np.bincount(place, weights=runs.length[own])
    box = tuple(bound for bounds in zip(low, high, strict=True) for bound in bounds)
    touches = min(low) == 0 or any(high[axis] == length for axis, length in enumerate(label.shape))
    mean, median, deviation = None, None, None
    if image is not None:
        around = tuple(slice(*bounds) for bounds in zip(low, high, strict=True))
        inside = image[around][label[around] == value]
        mean, deviation = (float(of(inside, dtype=np.float64)) for of in (np.mean, np.std))
        median = float(np.median(inside))
    return RegionMeasure(
        name=name,
        value=value,
        volume_ml=float(voxels.sum()) * voxel_ml,
        bounding_box=box,
        components=len(parts),
        largest_ml=float(voxels.max()) * voxel_ml,
        touches_edge=touches,
        mean=mean,
        median=median,
        deviation=deviation,
    )
