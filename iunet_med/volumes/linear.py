"""Brings an image to another grid by linear interpolation."""

import nibabel as nib
import numpy as np
from nibabel.processing import resample_from_to

from iunet_med.volumes.grid import Grid
from iunet_med.volumes.volume import Volume


def image_on_grid(volume: Volume, grid: Grid, *, name: str, to: str) -> Volume:
    """Resample an image (X, Y, Z), float32; beyond it lies 0.

    Args:
        volume: the image.
        grid: where its voxels shall lie.
        name, to: what an error calls the image, and the one whose grid it is.

    Raises:
        ValueError: they do not overlap.
    """
    image = nib.Nifti1Image(np.asarray(volume.array, np.float32), volume.affine)
    array = np.asarray(resample_from_to(image, (grid.shape, grid.affine), order=1).dataobj)
    if array.min() == array.max():
        raise ValueError(f"{name} does not overlap with {to}; expected one patient's scans in one space.")
    return Volume(array, grid.affine)
