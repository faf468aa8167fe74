"""A series becomes one NIfTI volume: slices stacked along their normal, values rescaled, axes as the affine says."""

from collections import defaultdict
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from iunet_med.volumes.dicom.geometry import Stack, check_plane, stack_slices, uneven_message
from iunet_med.volumes.dicom.pixels import PixelError, read_frames
from iunet_med.volumes.dicom.series import Series

MAX_VOXELS = 2**30
"""A whole body of 512 x 512 x 4096; 4 GiB as float32. A header that claims more is refused before memory is taken."""


def read_series(series: Series, *, resample_uneven: bool = False) -> nib.Nifti1Image:
    """Read a series as a volume with axes (column, row, slice) and an affine to R A S millimetres.

    The values are rescaled slice by slice; int16 where that holds them all exactly, else float32.

    Args:
        series: as from `find_series`.
        resample_uneven: interpolate linearly between slices that are not evenly spaced. The new spacing is the median
            of the gaps: one odd gap hardly moves it, where the smallest gap may be an overlap and make a huge volume.
            The header's `descrip` then says so; it is empty otherwise.

    Raises:
        ValueError: says what is wrong with the series, without a word of whose it is.
    """
    stack = _measured(series)
    if not stack.is_even and not resample_uneven:
        raise ValueError(f"{series.key}: {uneven_message(stack)}.")
    values = _values(series)
    affine, note = stack.affine, ""
    if not stack.is_even:
        values, affine, note = _evened(values, stack, key=series.key)
    image = nib.Nifti1Image(_exact(values), affine)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = note
    return image


def _measured(series: Series) -> Stack:
    frames = series.frames
    if len(frames) < 2:
        raise ValueError(f"{series.key}: {len(frames)} slices came; a volume needs two or more.")
    for frame in frames:
        try:
            check_plane(frame)
        except ValueError as error:
            raise ValueError(f"{series.key}: {series.name_of(frame.path)} {error}.") from None
    voxels = frames[0].size[0] * frames[0].size[1] * len(frames)
    if voxels > MAX_VOXELS:
        raise ValueError(
            f"{series.key}: {frames[0].size} rows and columns in {len(frames)} slices are {voxels} voxels; "
            f"at most {MAX_VOXELS} are read, so check the files."
        )
    try:
        return stack_slices(frames)
    except ValueError as error:
        raise ValueError(f"{series.key}: {error}.") from None


def _values(series: Series) -> NDArray[np.float32]:
    numbers: dict[Path, list[int]] = defaultdict(list)
    for number, frame in enumerate(series.frames):
        numbers[frame.path].append(number)
    rows, columns = series.frames[0].size
    volume = np.empty((columns, rows, len(series.frames)), np.float32, order="F")
    for path, mine in numbers.items():
        try:
            for number, values in zip(mine, read_frames(path, [series.frames[n] for n in mine]), strict=True):
                volume[..., number] = values.T
        except PixelError as error:
            raise ValueError(f"{series.key}: {series.name_of(path)} {error}.") from None
    return volume


def _evened(
    values: NDArray[np.float32], stack: Stack, *, key: str
) -> tuple[NDArray[np.float32], NDArray[np.float64], str]:
    """Interpolate linearly along the slices, from the first one as far as the last one reaches."""
    mean, usual = float(stack.gaps_mm.mean()), float(np.median(stack.gaps_mm))
    count = int(np.floor((len(stack.steps) - 1) * mean / usual + 1e-6)) + 1
    if values[..., 0].size * count > MAX_VOXELS:
        raise ValueError(
            f"{key}: {count} slices of {values.shape[:2]} voxels would come of resampling gaps of "
            f"{stack.gaps_mm.min():.3f} to {stack.gaps_mm.max():.3f} mm to {usual:.3f} mm; at most {MAX_VOXELS} voxels "
            "are made, so check the slices' positions."
        )
    targets = np.arange(count) * usual / mean
    below = np.clip(np.searchsorted(stack.steps, targets, side="right") - 1, 0, len(stack.steps) - 2)
    share = ((targets - stack.steps[below]) / (stack.steps[below + 1] - stack.steps[below])).astype(np.float32)
    evened = values[..., below] * (1 - share) + values[..., below + 1] * share
    affine = stack.affine.copy()
    affine[:3, 2] *= usual / mean
    note = f"resampled to {usual:.3f} mm from {stack.gaps_mm.min():.3f} to {stack.gaps_mm.max():.3f} mm"
    return evened, affine, note


def _exact(values: NDArray[np.float32]) -> NDArray[np.float32] | NDArray[np.int16]:
    limits = np.iinfo(np.int16)
    if values.min() < limits.min or values.max() > limits.max:
        return values
    whole = values.astype(np.int16)
    return whole if np.array_equal(whole, values) else values
