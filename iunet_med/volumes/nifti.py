"""Reads NIfTI files: one decision on the affine, and no damage unseen."""

import gzip
import math
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.openers import ImageOpener
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from iunet_med.volumes.grid import Grid
from iunet_med.volumes.memory import check_fits
from iunet_med.volumes.volume import Volume

ENDINGS = (".nii.gz", ".nii")
TRAILING_BYTES = 512
"""Some programs fill a file up to a block."""
_UNREADABLE = (
    *(OSError, EOFError, zlib.error, ImageFileError, HeaderDataError),
    *(ValueError, OverflowError, AttributeError, TypeError),
)


def header_affine(header: nib.Nifti1Header) -> NDArray[np.float64]:
    """Return the 4 x 4 affine to RAS+ mm that a header stands for: its sform where that has a code, else its qform.

    The same order as in nibabel, FSL and SPM; ITK takes the qform where the sform is an atlas' or no rotation. Where
    both forms have a code and disagree, `iunet_med.checks.header` says so or refuses. Without a code, voxels are
    centred and counted in voxel sizes, which the same check refuses.

    Raises:
        ValueError: the header has a qform alone, and that is no rotation.

    Source: https://nifti.nimh.nih.gov/nifti-1, methods 1 to 3 of orientation.
    """
    try:
        return np.asarray(header.get_best_affine(), np.float64)
    except (ValueError, HeaderDataError) as error:
        raise ValueError(f"the qform is no rotation ({error}); convert the scan again from DICOM") from error


def read_nifti_grid(path: Path) -> tuple[Grid, nib.Nifti1Header]:
    """Read the grid and the header alone, and find out by the file's last bytes whether it was cut off.

    Raises:
        ValueError: says what is wrong with the file.
    """
    image, header = _open(path)
    expected = _described_bytes(image)
    if path.suffix.lower() == ".gz":
        with path.open("rb") as file:
            file.seek(-4, 2)
            whole = int.from_bytes(file.read(4), "little") == expected % 2**32
        length = expected if whole else len(_unpacked(path))  # several members, something appended, or cut off
    else:
        length = path.stat().st_size
    _check_length(path, length, expected)
    shape = tuple(map(int, image.shape))
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    return Grid(shape, _affine(path, header)), header


def read_nifti(path: Path) -> Volume:
    """Read a whole file, comparing a gzip's checksum, and apply slope and intercept.

    Raises:
        ValueError: the file is damaged, cut off, larger than the memory, or maps no volume.
    """
    image, header = _open(path)
    check_fits(path, image.shape)
    affine = _affine(path, header)
    if path.suffix.lower() == ".gz":
        content = _unpacked(path)
        _check_length(path, len(content), _described_bytes(image))
        image = type(image).from_stream(BytesIO(content))
    else:
        _check_length(path, path.stat().st_size, _described_bytes(image))
    return Volume(_voxels(image), affine, header)


def _open(path: Path) -> tuple[nib.Nifti1Image, nib.Nifti1Header]:
    """The image, none of whose voxels are read, and its header as it is stored: nibabel repairs its own copy."""
    try:
        image = nib.load(path)
        with ImageOpener(path) as file:
            header = type(image.header).from_fileobj(file, check=False)
        shape = tuple(map(int, image.shape))
        described = _described_bytes(image)
    except _UNREADABLE as error:
        raise ValueError(f"{path} is not a readable NIfTI image ({error})") from error
    if not isinstance(header, nib.Nifti1Header):
        raise ValueError(f"{path} is not a readable NIfTI image (it is an {type(image).__name__})")
    if len(shape) < 3 or min(shape) < 1 or described < 0:
        raise ValueError(f"{path} is not a readable NIfTI image (its header says that its shape is {shape})")
    return image, header


def _described_bytes(image: nib.Nifti1Image) -> int:
    return int(image.dataobj.offset) + math.prod(map(int, image.shape)) * int(image.get_data_dtype().itemsize)


def _unpacked(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read()
    except _UNREADABLE as error:
        raise ValueError(f"{path} is not a readable NIfTI image ({error})") from error


def _check_length(path: Path, length: int, expected: int) -> None:
    if length < expected:
        raise ValueError(f"{path} is cut off: {length} bytes of {expected}")
    if length > expected + TRAILING_BYTES:
        raise ValueError(f"{path} has {length - expected} bytes more than its header describes; copy it again")


def _affine(path: Path, header: nib.Nifti1Header) -> NDArray[np.float64]:
    try:
        affine = header_affine(header)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-9:
        raise ValueError(f"{path} has an affine that maps no volume, {affine.tolist()}")
    return affine


def _voxels(image: nib.Nifti1Image) -> NDArray[Any]:
    proxy = image.dataobj
    if proxy.slope == 1 and proxy.inter == 0:
        array = np.asarray(proxy.get_unscaled())
    else:
        with np.errstate(over="ignore"):  # what becomes infinite is refused by the checks
            array = np.asarray(proxy, np.float32)
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    return array
