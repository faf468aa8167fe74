"""Reads NRRD and MetaImage files by SimpleITK."""

from pathlib import Path

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from iunet_med.volumes.grid import LPS_TO_RAS, Grid
from iunet_med.volumes.memory import check_fits
from iunet_med.volumes.volume import Volume

ENDINGS = (".nrrd", ".mha")


def read_itk(path: Path) -> Volume:
    """Read a file as (X, Y, Z), or (X, Y, Z, C) where its voxels have several components.

    Raises:
        ValueError: the file is damaged, larger than the memory, or has not three axes.
    """
    reader, grid = _information(path)
    check_fits(path, grid.shape)
    try:
        array = SimpleITK.GetArrayFromImage(reader.Execute())
    except RuntimeError as error:
        raise _unreadable(path, error) from error
    return Volume(array.swapaxes(0, 2) if array.ndim == 4 else array.T, grid.affine)


def read_itk_grid(path: Path) -> Grid:
    """Read the grid alone; errors as in `read_itk`."""
    return _information(path)[1]


def _information(path: Path) -> tuple[SimpleITK.ImageFileReader, Grid]:
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise _unreadable(path, error) from error
    if reader.GetDimension() != 3:
        raise ValueError(f"{path.name} has {reader.GetDimension()} axes; expected 3, with the channels in each voxel.")
    components = reader.GetNumberOfComponents()
    shape = (*reader.GetSize(), *([components] if components > 1 else []))
    return reader, Grid(shape, _affine(reader))


def _affine(reader: SimpleITK.ImageFileReader) -> NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(reader.GetDirection(), (3, 3)) * reader.GetSpacing()
    affine[:3, 3] = reader.GetOrigin()
    return np.asarray(LPS_TO_RAS @ affine, np.float64)


def _unreadable(path: Path, error: RuntimeError) -> ValueError:
    reason = str(error).strip().splitlines()[-1].replace(str(path), path.name)
    return ValueError(f"{path.name} is not a readable image ({reason}); export it again.")
