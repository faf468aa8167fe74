"""Writes NIfTI files that lie where their input lies, whichever of the header's two forms a program goes by."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from iunet_med.files import replacing

_QFORM = ("qform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z")
_SFORM = ("sform_code", "srow_x", "srow_y", "srow_z")
_SCANNER = 1


def write_nifti(
    path: str | Path, array: NDArray[Any], affine: NDArray[np.float64], *, like: nib.Nifti1Header | None
) -> None:
    """Write an array on the grid of an input; the file appears complete or not at all.

    ITK, and with it ITK-SNAP, MITK and SimpleITK, goes by the qform where nibabel, FSL and SPM go by the sform. So both
    forms, their codes, the voxel size and the unit of the input's header are kept.

    Args:
        path: the file, `.nii` or `.nii.gz`.
        array: (X, Y, Z), or (X, Y, Z, C).
        affine: voxel index to RAS+ mm, (4, 4); written to both forms where the input has no NIfTI header.
        like: the input's header, as `Volume` holds it.
    """
    if like is None:
        image = nib.Nifti1Image(array, affine)
        image.set_sform(affine, _SCANNER)
        image.set_qform(affine, _SCANNER)
        image.header.set_xyzt_units("mm")
    else:
        header = nib.Nifti1Header()
        for field in (*_QFORM, *_SFORM):
            header[field] = like[field]
        header["pixdim"][:4] = like["pixdim"][:4]
        header["xyzt_units"] = int(like["xyzt_units"]) & 0b111  # the unit of length, not that of time
        header.set_data_dtype(array.dtype)
        image = nib.Nifti1Image(array, None, header)  # without an affine nibabel leaves the header's forms alone
    with replacing(path) as temporary:
        nib.save(image, temporary)
