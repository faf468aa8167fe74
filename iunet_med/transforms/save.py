"""Writes a segmentation on the voxels of the image that it belongs to."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from monai.config import KeysCollection
from monai.transforms import SaveImaged
from numpy.typing import NDArray

from iunet_med.volumes import AFFINE_TOLERANCE, ENDINGS, read_header, write_nifti


class SaveSegmentationd(SaveImaged):  # type: ignore[misc]
    """Label map (1, D, H, W), back on its image's grid -> `output_dir`/CASE/CASE_seg.nii.gz, uint8.

    CASE is the item's `case`. A file appears complete or not at all, and replaces an older one. It is a `SaveImaged`,
    so that programs that write results themselves recognise it and take it away.

    Both forms of a NIfTI image's header are kept, so that the segmentation lies on the image for every program.

    Raises:
        ValueError: if the label map does not lie on its image's grid, because `Invertd` is missing before it.

    >>> SaveSegmentationd("pred", "results").output_dir.name
    'results'
    """

    def __init__(self, keys: KeysCollection, output_dir: str, *, allow_missing_keys: bool = False) -> None:
        super().__init__(
            keys,
            output_dir=output_dir,
            output_dtype=np.uint8,
            resample=False,
            print_log=False,
            allow_missing_keys=allow_missing_keys,
        )
        self.output_dir = Path(output_dir)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the label maps of `data`."""
        d = dict(data)
        for key in self.key_iterator(d):
            label, meta = d[key], d[key].meta
            shape, affine = tuple(meta["spatial_shape"]), np.asarray(meta["original_affine"])
            if tuple(label.shape[1:]) != shape or not np.allclose(label.affine, affine, rtol=0, atol=AFFINE_TOLERANCE):
                raise ValueError(
                    f"the segmentation of {d['case']} has shape {tuple(label.shape[1:])} and affine "
                    f"{label.affine.tolist()}; its image has {shape} and {affine.tolist()}; put Invertd before "
                    "SaveSegmentationd."
                )
            path = self.output_dir / d["case"] / f"{d['case']}_seg.nii.gz"
            # MONAI's own writer takes a 3D array's affine for 2D, and fails where the first axes map to no plane.
            voxels = label[0].cpu().numpy().astype(np.uint8)
            write_nifti(path, voxels, affine, like=_header(meta.get("filename_or_obj"), affine))
        return d


def _header(name: Any, affine: NDArray[np.float64]) -> nib.Nifti1Header | None:
    """The header of the image's file, where it is there and the label map lies on its grid."""
    if not name or not Path(name).is_file() or not str(name).lower().endswith(ENDINGS):
        return None
    grid, header = read_header(name)
    return header if np.allclose(grid.affine, affine, rtol=0, atol=AFFINE_TOLERANCE) else None
