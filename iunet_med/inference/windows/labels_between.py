"""Labels on a finer grid than the network's, from its probabilities interpolated between its voxels."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from torch import Tensor

from iunet_med.volumes.planes import places_by_plane

MOST_BYTES = 2 * 2**30
"""Probabilities that would take more are not kept, and labels are those of the nearest voxel."""


def pays_off(affine: ArrayLike, to: ArrayLike, *, voxels: int, channels: int) -> bool:
    """Return True if a grid has smaller voxels than the network's, of which there are `voxels`, and memory allows."""
    sizes = [abs(np.linalg.det(np.asarray(one, np.float64)[:3, :3])) for one in (affine, to)]
    return bool(sizes[0] > 1.05 * sizes[1]) and 4 * voxels * channels <= MOST_BYTES


def labels_between(
    probabilities: Tensor,
    labels: NDArray[np.uint8],
    affine: ArrayLike,
    *,
    shape: tuple[int, ...],
    to: ArrayLike,
    rule: Callable[[Tensor], Tensor],
) -> NDArray[np.uint8]:
    """Label each voxel of a grid by the probabilities interpolated linearly there, and by 0 beyond the network's image.

    Where all eight voxels around have one label, so has every mixture of them: probabilities are mixed at borders
    alone.

    Args:
        probabilities: (K, D, H, W).
        labels: what the rule makes of them, (D, H, W).
        affine: voxel index of both to mm, (4, 4).
        shape: of the grid.
        to: the grid's voxel index to mm, (4, 4).
        rule: probabilities (K, M, 1, 1) -> labels (1, M, 1, 1), each voxel by itself: the likeliest class, or regions
            above a threshold.
    """
    flat = probabilities.reshape(len(probabilities), -1)
    same = _same_around(labels).reshape(-1)
    size = labels.shape
    result = np.zeros(shape, np.uint8)
    for plane, (places, inside) in zip(result, places_by_plane(affine, size, shape=shape, to=to), strict=True):
        below = [
            np.minimum(place.astype(np.int64), max(length - 2, 0)) for place, length in zip(places, size, strict=True)
        ]
        corner = (below[0] * size[1] + below[1]) * size[2] + below[2]
        plane[...] = np.where(inside, labels.reshape(-1)[corner], 0)
        mixed = inside & ~same[corner]
        if mixed.any():
            part = [(place - low)[mixed].astype(np.float32) for place, low in zip(places, below, strict=True)]
            weights = torch.from_numpy(np.stack(part))
            plane[mixed] = _mixed(flat, corner[mixed], weights, size, rule)
    return result


def _same_around(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """True where a voxel and those after it along each axis, eight in all, have one label."""
    highest, lowest = labels, labels
    for axis in range(3):
        highest = ndimage.maximum_filter1d(highest, 2, axis, origin=-1, mode="nearest")
        lowest = ndimage.minimum_filter1d(lowest, 2, axis, origin=-1, mode="nearest")
    return np.asarray(highest == lowest)


def _mixed(
    flat: Tensor, corner: NDArray[np.int64], part: Tensor, size: tuple[int, ...], rule: Callable[[Tensor], Tensor]
) -> NDArray[np.uint8]:
    """Interpolate between eight voxels; `part` (3, M) says how far a place lies from the first one along each axis."""
    steps = [stride if length > 1 else 0 for stride, length in zip((size[1] * size[2], size[2], 1), size, strict=True)]
    mixed = torch.zeros(len(flat), len(corner))
    for number in range(8):
        up = [number >> axis & 1 for axis in range(3)]
        weight = torch.ones(len(corner))
        for one, share in zip(up, part, strict=True):
            weight = weight * (share if one else 1 - share)
        place = torch.from_numpy(corner + sum(step for step, one in zip(steps, up, strict=True) if one))
        mixed += flat[:, place].float() * weight
    return rule(mixed[:, :, None, None]).reshape(-1).numpy().astype(np.uint8)
