"""Where a volume's voxels lie: its shape and its affine."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from nibabel.affines import voxel_sizes
from numpy.typing import ArrayLike, NDArray

AFFINE_TOLERANCE = 1e-3
"""Two grids are the same if their shapes are and no entry of their affines (mm) differs by more than this."""
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""DICOM and ITK count to the patient's left and back, NIfTI to the right and front; it is its own inverse."""


def voxel_ml(affine: ArrayLike) -> float:
    """Return the volume of a voxel in ml, from the affine (mm).

    >>> round(voxel_ml(np.diag([2.0, 2.0, 5.0, 1.0])), 6)
    0.02
    """
    return abs(float(np.linalg.det(np.asarray(affine, np.float64)[:3, :3]))) / 1000


@dataclass(frozen=True)
class Grid:
    """The shape of an array, three axes or four, and the 4 x 4 affine from voxels to RAS+ millimetres."""

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
