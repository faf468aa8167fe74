"""Brings a label map to another grid, plane by plane, so that no array of coordinates is needed."""

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Label = TypeVar("Label", bound=np.integer)
_HALF = 0.5 + 1e-3  # at the border a voxel reaches half its length; the rest is rounding of affines


def labels_on_grid(
    labels: NDArray[Label], affine: ArrayLike, *, shape: tuple[int, ...], to: ArrayLike
) -> NDArray[Label]:
    """Take at each voxel of a grid the label of the nearest voxel, and 0 beyond the label map.

    Args:
        labels: label map (X, Y, Z).
        affine: its voxel index to mm, (4, 4).
        shape: of the grid.
        to: the grid's voxel index to mm, (4, 4).
    """
    index = np.linalg.inv(np.asarray(affine, np.float64)) @ np.asarray(to, np.float64)
    result = np.zeros(shape, labels.dtype)
    second, third = (np.arange(length, dtype=np.float64) for length in shape[1:])
    for first in range(shape[0]):
        flat = np.zeros(shape[1:], np.int64)
        inside = np.ones(shape[1:], bool)
        for row, length in zip(index[:3], labels.shape, strict=True):
            place = (row[0] * first + row[3]) + (row[1] * second)[:, None] + (row[2] * third)[None]
            inside &= (place > -_HALF) & (place < length - 1 + _HALF)
            flat = flat * length + np.clip(np.rint(place), 0, length - 1).astype(np.int64)
        result[first] = np.where(inside, labels.reshape(-1)[flat], 0)
    return result
