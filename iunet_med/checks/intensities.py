"""What the checks need to know of a volume's voxels, found plane by plane, without a copy of the volume."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = float(np.finfo(np.float32).max)
"""The networks compute in float32; larger values are infinite there."""
SAMPLE = 500_000
"""So many voxels give percentiles to within 0.02 % of the ranks."""
FEWEST = 100
"""Percentiles 1 and 99 of fewer voxels are their extremes."""
FAR = 10.0
"""Outliers lie more than so many times the range of the percentiles 1 to 99 beyond these; vessels lie up to 2.9."""


@dataclass(frozen=True)
class Statistics:
    """Counts and extremes of one volume.

    Args:
        voxels: how many there are.
        not_finite: how many are NaN, infinite or beyond float32; the other figures leave them out.
        low, high: the extremes; NaN where no voxel is finite.
        at_low, at_high: how many voxels are equal to the extremes.
        zeros: how many voxels are zero.
        corners: how many of the eight corners are not zero.
    """

    voxels: int
    not_finite: int
    low: float
    high: float
    at_low: int
    at_high: int
    zeros: int
    corners: int


@dataclass(frozen=True)
class Usual:
    """The 1st and 99th percentile of a head, and the limits beyond which a voxel is an outlier."""

    p1: float
    p99: float
    lowest: float
    highest: float


def volume_statistics(volume: NDArray[Any]) -> Statistics:
    """Read a volume (X, Y, Z) of real numbers; the memory beyond it is that of one plane."""
    planes = _planes(volume)
    extremes = [_extremes(plane) for plane in planes]
    finite = sum(count for count, _, _ in extremes)
    zeros = volume.size - sum(int(np.count_nonzero(plane)) for plane in planes)
    corners = sum(bool(volume[place] != 0) for place in product((0, -1), repeat=3))
    if not finite:
        return Statistics(volume.size, volume.size, np.nan, np.nan, 0, 0, 0, corners)
    low = min(least for count, least, _ in extremes if count)
    high = max(most for count, _, most in extremes if count)
    found = list(zip(planes, extremes, strict=True))
    at_low = sum(int(np.count_nonzero(plane == low)) for plane, (count, least, _) in found if count and least == low)
    at_high = sum(int(np.count_nonzero(plane == high)) for plane, (count, _, most) in found if count and most == high)
    return Statistics(volume.size, volume.size - finite, float(low), float(high), at_low, at_high, zeros, corners)


def usual_range(volume: NDArray[Any]) -> Usual | None:
    """The range of the non-zero voxels of (X, Y, Z), from an even sample; None where there are too few or one value."""
    planes = _planes(volume)
    step = max(1, round((volume.size / SAMPLE) ** 0.5))
    sample = np.concatenate([plane[:, ::step].ravel() for plane in planes[::step]]).astype(np.float64)
    sample = sample[(np.abs(sample) <= LARGEST) & (sample != 0)]
    if sample.size < FEWEST:
        return None
    p1, p99 = (float(value) for value in np.percentile(sample, (1, 99)))
    far = FAR * (p99 - p1)
    return Usual(p1, p99, p1 - far, p99 + far) if far > 0 else None


def count_outliers(volume: NDArray[Any], usual: Usual) -> int:
    """Count the voxels beyond the limits, zeros left out."""
    return sum(
        int(np.count_nonzero(((plane < usual.lowest) | (plane > usual.highest)) & (plane != 0)))
        for plane in _planes(volume)
    )


def _planes(volume: NDArray[Any]) -> NDArray[Any]:
    """The volume as a stack of the planes that lie together in memory."""
    return np.moveaxis(volume, int(np.argmax(np.abs(volume.strides))), 0)


def _extremes(plane: NDArray[Any]) -> tuple[int, Any, Any]:
    """How many voxels are finite in float32, and the least and the largest of them."""
    least, most = plane.min(), plane.max()
    if plane.dtype.kind != "f" or -LARGEST <= float(least) <= float(most) <= LARGEST:
        return plane.size, least, most
    finite = plane[np.isfinite(plane) if plane.itemsize <= 4 else np.abs(plane) <= LARGEST]
    return (finite.size, finite.min(), finite.max()) if finite.size else (0, least, most)
