"""A stack that is uneven or tilted is interpolated to even slices that lie above each other."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from iunet_med.volumes.dicom.geometry import Stack

MAX_VOXELS = 2**30
"""A whole body of 512 x 512 x 4096; 4 GiB as float32. A header that claims more is refused before memory is taken."""


def regular(
    values: NDArray[np.float32], stack: Stack
) -> tuple[NDArray[np.float32], NDArray[np.float64], tuple[str, ...]]:
    """Bring a stack's values (column, row, slice) to an even, upright grid, linearly.

    Returns:
        The values, their affine to R A S millimetres, and what was done.

    Raises:
        ValueError: the grid would have too many voxels.
    """
    affine, notes = stack.affine, []
    if not stack.is_even:
        values, affine = _evened(values, stack)
        gaps = stack.gaps_mm
        step = float(np.linalg.norm(stack.height_step)) * (len(gaps) / (values.shape[2] - 1))
        notes.append(f"resampled to {step:.3f} mm from {gaps.min():.3f} to {gaps.max():.3f} mm")
    if not stack.is_upright:
        values, affine = _upright(values, affine, stack)
        notes.append(f"upright from {np.degrees(np.arctan(stack.tilt)):.2f} degrees")
    return values, affine, tuple(notes)


def _evened(values: NDArray[np.float32], stack: Stack) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Interpolate along the slices to steps of about the median gap, which go into the height without a rest.

    One odd gap hardly moves the median, where the smallest gap may be an overlap and make a huge volume.
    """
    last, gaps = len(stack.steps) - 1, stack.gaps_mm
    count = round(float(gaps.sum() / np.median(gaps))) + 1
    _check_size(values[..., 0].size * count, f"gaps of {gaps.min():.3f} to {gaps.max():.3f} mm", stack)
    targets = np.linspace(0, last, count)
    below = np.clip(np.searchsorted(stack.steps, targets, side="right") - 1, 0, last - 1)
    share = ((targets - stack.steps[below]) / (stack.steps[below + 1] - stack.steps[below])).astype(np.float32)
    affine = stack.affine.copy()
    affine[:3, 2] *= last / (count - 1)
    return values[..., below] * (1 - share) + values[..., below + 1] * share, affine


def _upright(
    values: NDArray[np.float32], affine: NDArray[np.float64], stack: Stack
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Shift each slice in its plane; the grid grows by the shift, and has the lowest value where no slice reaches."""
    upright = affine.copy()
    upright[:3, 2] = stack.height_step * (np.linalg.norm(affine[:3, 2]) / np.linalg.norm(stack.affine[:3, 2]))
    pixels = np.linalg.lstsq(affine[:3, :2], affine[:3, 2] - upright[:3, 2])[0]
    shifts = np.round(np.arange(values.shape[2])[:, None] * pixels, 6)  # rounding of floats makes no column
    low, high = np.floor(shifts.min(axis=0)), np.ceil(shifts.max(axis=0))
    columns, rows = (int(size) for size in values.shape[:2] + high - low)
    _check_size(columns * rows * values.shape[2], f"a tilt of {np.degrees(np.arctan(stack.tilt)):.2f} degrees", stack)
    result = np.empty((columns, rows, values.shape[2]), np.float32, order="F")
    lowest = float(values.min())
    for number, shift in enumerate(shifts):
        affine_transform(
            values[..., number], np.eye(2), low - shift, (columns, rows), result[..., number], order=1, cval=lowest
        )
    upright[:3, 3] += affine[:3, :2] @ low
    return result, upright


def _check_size(voxels: int, cause: str, stack: Stack) -> None:
    if voxels > MAX_VOXELS:
        raise ValueError(
            f"resampling {len(stack.steps)} slices with {cause} would make {voxels} voxels; at most {MAX_VOXELS} are "
            "made, so check the slices' positions"
        )
