"""A volume as every door sees it: the voxels as stored, one affine, and the header that results are written with."""

from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from iunet_med.volumes.grid import Grid


@dataclass(frozen=True)
class Volume:
    """One file or one DICOM series.

    Args:
        array: (X, Y, Z), or (X, Y, Z, C) for several channels; a NIfTI's slope and intercept are applied.
        affine: voxel index to RAS+ mm, (4, 4): the one decision on where the volume lies.
        header: a NIfTI's header as it is stored, with both of its forms; None for other formats.
    """

    array: NDArray[Any]
    affine: NDArray[np.float64]
    header: nib.Nifti1Header | None = None

    @property
    def grid(self) -> Grid:
        """Shape and affine."""
        return Grid(tuple(self.array.shape), self.affine)
