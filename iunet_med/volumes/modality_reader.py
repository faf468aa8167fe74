"""MONAI's NIfTI reader for one file per modality, whose headers may differ by rounding."""

from typing import Any

import nibabel as nib
import numpy as np
from monai.data import NibabelReader

from iunet_med.volumes.grid import AFFINE_TOLERANCE


class ModalityReader(NibabelReader):  # type: ignore[misc]
    """Stacks a case's files on the first one's grid.

    MONAI compares the affines to 1e-8, and programs that write NIfTI round differently. Files whose affines differ by
    more than AFFINE_TOLERANCE are left to MONAI, which refuses them.
    """

    def get_data(self, img: Any) -> tuple[Any, dict[str, Any]]:
        """Return the stacked array and the first file's metadata; see `monai.data.NibabelReader`."""
        if not isinstance(img, list):
            return super().get_data(img)  # type: ignore[no-any-return]
        first = img[0]
        on_first = [
            nib.Nifti1Image(other.dataobj, first.affine, other.header)
            if np.allclose(other.affine, first.affine, rtol=0, atol=AFFINE_TOLERANCE)
            else other
            for other in img[1:]
        ]
        return super().get_data([first, *on_first])  # type: ignore[no-any-return]
