"""Reads what a NIfTI file says of itself, without its voxels."""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import voxel_sizes
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

AFFINE_TOLERANCE = 1e-3
"""Two grids are the same if their shapes are and no entry of their affines (mm) differs by more than this."""


@dataclass(frozen=True)
class Grid:
    """The shape of a file's array, three axes or four, and the 4 x 4 affine from voxels to millimetres."""

    shape: tuple[int, ...]
    affine: NDArray[np.float64]

    def differs_from(self, other: "Grid") -> str:
        """Say how the spatial grid differs from another one; empty if it does not."""
        if self.shape[:3] != other.shape[:3]:
            return f"shape {self.shape[:3]} against {other.shape[:3]}"
        if not np.allclose(self.affine, other.affine, rtol=0, atol=AFFINE_TOLERANCE):
            return f"affine {self.affine.round(4).tolist()} against {other.affine.round(4).tolist()}"
        return ""

    def size_at(self, spacing: tuple[float, ...]) -> tuple[int, ...]:
        """Return the spatial shape (R, A, S axes) after resampling to `spacing` (mm)."""
        axes = nib.io_orientation(self.affine)[:, 0].argsort()
        extent = (np.array(self.shape[:3]) - 1) * voxel_sizes(self.affine)
        return tuple(int(n) for n in np.round(extent[axes] / spacing) + 1)


def read_grid(path: str | Path, *, whole: bool = False) -> Grid:
    """Read a NIfTI file's grid, and find out whether the file was cut off.

    Args:
        path: the file.
        whole: whether to unpack all of it and compare its checksum, which finds damage anywhere but takes as long as
            reading the volume. Without, the end of the file alone is looked at.

    Raises:
        ValueError: says what is wrong with the file.
    """
    try:
        image = nib.load(path)
        expected = int(image.dataobj.offset + np.prod(image.shape) * image.get_data_dtype().itemsize)
        came = _unpacked_bytes(Path(path), expected, whole=whole)
    except (OSError, EOFError, zlib.error, ImageFileError, HeaderDataError, AttributeError) as error:
        raise ValueError(f"{path} is not a readable NIfTI image ({error})") from error
    if came < expected:
        raise ValueError(f"{path} is cut off: {came} bytes of {expected}")
    affine = np.asarray(image.affine, dtype=np.float64)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-9:
        raise ValueError(f"{path} has an affine that maps no volume, {affine.tolist()}")
    return Grid(tuple(image.shape), affine)


def _unpacked_bytes(path: Path, expected: int, *, whole: bool) -> int:
    """Count a file's bytes after decompression; a gzip file that was not cut off says so in its last four bytes."""
    if path.suffix != ".gz":
        return path.stat().st_size
    with path.open("rb") as file:
        file.seek(-4, 2)
        if not whole and int.from_bytes(file.read(4), "little") == expected % 2**32:
            return expected
    with gzip.open(path) as unpacked:  # several members, something appended, or cut: only reading tells
        return sum(len(block) for block in iter(lambda: unpacked.read(1 << 24), b""))
