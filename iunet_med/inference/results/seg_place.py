"""Places a label map on the slices of the series that it was made of."""

from typing import Any

import numpy as np
from nibabel.affines import voxel_sizes
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from numpy.typing import NDArray

from iunet_med.volumes.dicom.geometry import Stack
from iunet_med.volumes.nearest import labels_on_grid

TOLERANCE_VOXELS = 0.05
"""A voxel of the label map may lie so far from the source's; programs round positions to far less."""


def on_slices(label: NDArray[Any], affine: NDArray[np.float64], stack: Stack, *, size: tuple[int, int]) -> NDArray[Any]:
    """Return a label map on the slices of a series, (column, row, slice).

    On a regular stack it has to lie on the slices, along any axes, and no label changes; slices that are uneven or
    tilted take the nearest labels of a map that covers them.

    Args:
        label: label map of integers.
        affine: its voxel index to RAS+ mm, (4, 4).
        stack: where the slices lie.
        size: columns and rows of a slice.

    Raises:
        ValueError: the label map does not lie on the slices.
    """
    shape = *size, len(stack.steps)
    if stack.is_regular:
        return _on_grid(label, affine, stack.affine, shape=shape)
    places = [stack.place_of(number) for number in range(shape[2])]
    corners = np.array([[i, j, 0, 1] for i in (0, size[0] - 1) for j in (0, size[1] - 1)])
    index = (np.linalg.inv(affine) @ places @ corners.T)[:, :3].transpose(0, 2, 1)
    away = max(-index.min(), (index - label.shape).max() + 1)
    if away > 0.5:  # voxels reach so far
        raise ValueError(_elsewhere(label, shape, affine, stack.affine, away))
    return np.concatenate([labels_on_grid(label, affine, shape=(*shape[:2], 1), to=place) for place in places], axis=2)


def _on_grid(
    label: NDArray[Any], affine: NDArray[np.float64], grid: NDArray[np.float64], *, shape: tuple[int, int, int]
) -> NDArray[Any]:
    """Turn a label map to the axes of `grid`, if it lies on it."""
    to_grid = np.linalg.inv(grid) @ affine
    turn = io_orientation(to_grid)
    turned = label
    if not np.isnan(turn).any():
        to_grid = to_grid @ inv_ornt_aff(turn, label.shape)
        turned = apply_orientation(label, turn)
    away = np.abs(to_grid - np.eye(4)) @ [*shape, 1]  # at the farthest corner, in voxels
    if turned.shape != shape or away.max() > TOLERANCE_VOXELS:
        raise ValueError(_elsewhere(label, shape, affine, grid, away.max()))
    return turned


def _elsewhere(
    label: NDArray[Any], shape: tuple[int, ...], affine: NDArray[np.float64], grid: NDArray[np.float64], away: float
) -> str:
    return (
        f"the label map {label.shape} does not lie on the grid of the source series {shape}: voxels of "
        f"{voxel_sizes(affine).round(4).tolist()} against {voxel_sizes(grid).round(4).tolist()} mm, and up to "
        f"{away:.3g} voxels away; expected the series that the label map was made of; give that one."
    )
