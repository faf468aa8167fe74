"""Where the voxels of a grid lie in another image, plane by plane, so that no array of coordinates is needed."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

_HALF = 0.5 + 1e-3
"""At the border a voxel reaches half its length; the rest is rounding of affines."""

Places = list[NDArray[np.float64]]


def places_by_plane(
    affine: ArrayLike, size: tuple[int, ...], *, shape: tuple[int, ...], to: ArrayLike
) -> Iterator[tuple[Places, NDArray[np.bool_]]]:
    """Yield for each plane (Y, Z) of a grid the voxel coordinates of its places in an image, and which lie inside it.

    Args:
        affine: the image's voxel index to mm, (4, 4).
        size: its voxels along each axis.
        shape: of the grid, (X, Y, Z).
        to: the grid's voxel index to mm, (4, 4).
    """
    index = np.linalg.inv(np.asarray(affine, np.float64)) @ np.asarray(to, np.float64)
    second, third = (np.arange(length, dtype=np.float64) for length in shape[1:])
    for first in range(shape[0]):
        inside = np.ones(shape[1:], bool)
        places = []
        for row, length in zip(index[:3], size, strict=True):
            place = (row[0] * first + row[3]) + (row[1] * second)[:, None] + (row[2] * third)[None]
            inside &= (place > -_HALF) & (place < length - 1 + _HALF)
            places.append(np.clip(place, 0, length - 1))
        yield places, inside
