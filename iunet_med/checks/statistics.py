"""What the checks need to know of a volume's voxels, found plane by plane, without a copy of the volume."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Statistics:
    """Counts and extremes of one volume.

    Args:
        voxels: how many there are.
        not_finite: how many are NaN or infinite; the other figures leave them out.
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


def volume_statistics(volume: NDArray[Any]) -> Statistics:
    """Read a volume (X, Y, Z) of real numbers a few times; the memory beyond it is that of one plane."""
    planes = np.moveaxis(volume, int(np.argmax(np.abs(volume.strides))), 0)
    counted = [_finite(plane) for plane in planes]
    finite = sum(plane.size for plane in counted)
    zeros = volume.size - sum(int(np.count_nonzero(plane)) for plane in planes)
    corners = sum(bool(volume[place] != 0) for place in product((0, -1), repeat=3))
    if not finite:
        return Statistics(volume.size, volume.size, np.nan, np.nan, 0, 0, 0, corners)
    low = min(plane.min() for plane in counted if plane.size)
    high = max(plane.max() for plane in counted if plane.size)
    at_low = sum(int(np.count_nonzero(plane == low)) for plane in planes)
    at_high = sum(int(np.count_nonzero(plane == high)) for plane in planes)
    return Statistics(volume.size, volume.size - finite, float(low), float(high), at_low, at_high, zeros, corners)


def _finite(plane: NDArray[Any]) -> NDArray[Any]:
    """The finite voxels; the plane itself, not a copy, if all are."""
    if plane.dtype.kind != "f" or (finite := np.isfinite(plane)).all():
        return plane
    return np.asarray(plane[finite])
