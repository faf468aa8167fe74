"""Brings a label map to another grid by the nearest voxels."""

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iunet_med.volumes.planes import places_by_plane

Label = TypeVar("Label", bound=np.integer)


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
    result = np.zeros(shape, labels.dtype)
    for plane, (places, inside) in zip(result, places_by_plane(affine, labels.shape, shape=shape, to=to), strict=True):
        x, y, z = (np.rint(place).astype(np.int64) for place in places)
        plane[...] = np.where(inside, labels[x, y, z], 0)
    return result
