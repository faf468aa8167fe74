"""Reads a volume of any format: the one reader that training, inference, evaluation and the data list share."""

from pathlib import Path

import nibabel as nib

from iunet_med.volumes import itk, nifti
from iunet_med.volumes.grid import Grid
from iunet_med.volumes.volume import Volume

ENDINGS = (*nifti.ENDINGS, *itk.ENDINGS)


def read_volume(path: str | Path) -> Volume:
    """Read a NIfTI, NRRD or MetaImage file as it is stored.

    Raises:
        ValueError: the file is missing, damaged, of another kind, or larger than the memory.
    """
    path = _known(path)
    return nifti.read_nifti(path) if path.name.lower().endswith(nifti.ENDINGS) else itk.read_itk(path)


def read_grid(path: str | Path) -> Grid:
    """Read where a file's voxels lie, without the voxels; errors as in `read_volume`."""
    return read_header(path)[0]


def read_header(path: str | Path) -> tuple[Grid, nib.Nifti1Header | None]:
    """Read a file's grid and, of a NIfTI file, its header as it is stored; errors as in `read_volume`."""
    path = _known(path)
    if path.name.lower().endswith(nifti.ENDINGS):
        return nifti.read_nifti_grid(path)
    return itk.read_itk_grid(path), None


def _known(path: str | Path) -> Path:
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is not a readable image (there is no file {path.name}); correct its path.")
    if not path.name.lower().endswith(ENDINGS):
        raise ValueError(f"expected a NIfTI (.nii, .nii.gz), NRRD (.nrrd) or MetaImage (.mha) file, got {path.name}.")
    return path
