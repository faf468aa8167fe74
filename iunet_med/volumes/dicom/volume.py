"""A series becomes one NIfTI volume: slices stacked along their normal, values rescaled, axes as the affine says."""

from collections import defaultdict
from collections.abc import MutableMapping
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from iunet_med.volumes.dicom.geometry import Stack, check_plane, irregular_message, stack_slices
from iunet_med.volumes.dicom.pixels import PixelError, read_frames
from iunet_med.volumes.dicom.resampling import MAX_VOXELS, regular
from iunet_med.volumes.dicom.series import Series


def read_series(
    series: Series, *, resample_uneven: bool = False, contents: MutableMapping[Path, bytes] | None = None
) -> nib.Nifti1Image:
    """Read a series as a volume with axes (column, row, slice) and an affine to R A S millimetres.

    The values are rescaled slice by slice; int16 where that holds them all exactly, else float32.

    Args:
        series: as from `find_series`.
        resample_uneven: bring slices that are not evenly spaced, or tilted against their stack, to an even, upright
            grid. The header's `descrip` then says so; it is empty otherwise.
        contents: of files that were read already; each is taken out as it is decoded, so that memory is free again.

    Raises:
        ValueError: says what is wrong with the series, without a word of whose it is.
    """
    stack = _measured(series)
    if not stack.is_regular and not resample_uneven:
        raise ValueError(f"{series.key}: {irregular_message(stack)}.")
    values = _values(series, {} if contents is None else contents)
    try:
        values, affine, notes = regular(values, stack)
    except ValueError as error:
        raise ValueError(f"{series.key}: {error}.") from None
    image = nib.Nifti1Image(_exact(values), affine)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = "; ".join(notes)
    return image


def _measured(series: Series) -> Stack:
    frames = series.frames
    if len(frames) < 2:
        raise ValueError(f"{series.key}: expected two or more slices, got {len(frames)}.")
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


def _values(series: Series, contents: MutableMapping[Path, bytes]) -> NDArray[np.float32]:
    numbers: dict[Path, list[int]] = defaultdict(list)
    for number, frame in enumerate(series.frames):
        numbers[frame.path].append(number)
    rows, columns = series.frames[0].size
    volume = np.empty((columns, rows, len(series.frames)), np.float32, order="F")
    for path, mine in numbers.items():
        try:
            decoded = read_frames(_content(path, contents), [series.frames[number] for number in mine])
            for number, values in zip(mine, decoded, strict=True):
                volume[..., number] = values.T
        except PixelError as error:
            raise ValueError(f"{series.key}: {series.name_of(path)} {error}.") from None
    return volume


def _content(path: Path, contents: MutableMapping[Path, bytes]) -> bytes:
    try:
        return contents.pop(path, b"") or path.read_bytes()
    except OSError as error:
        raise PixelError(f"cannot be read ({error.strerror}); copy the file again") from None


def _exact(values: NDArray[np.float32]) -> NDArray[np.float32] | NDArray[np.int16]:
    limits = np.iinfo(np.int16)
    if values.min() < limits.min or values.max() > limits.max:
        return values
    whole = values.astype(np.int16)
    return whole if np.array_equal(whole, values) else values
