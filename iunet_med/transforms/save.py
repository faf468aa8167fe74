"""Writes a segmentation on the voxels of the image that it belongs to."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from monai.config import KeysCollection
from monai.transforms import SaveImaged

from iunet_med.files import replacing
from iunet_med.volumes.grid import AFFINE_TOLERANCE


class SaveSegmentationd(SaveImaged):  # type: ignore[misc]
    """Label map (1, D, H, W), back on its image's grid -> `output_dir`/CASE/CASE_seg.nii.gz, uint8.

    CASE is the item's `case`. A file appears complete or not at all, and replaces an older one. It is a `SaveImaged`,
    so that programs that write results themselves recognise it and take it away.

    Raises:
        ValueError: if the label map does not lie on its image's grid, because `Invertd` is missing before it.
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
            with replacing(path) as temporary:
                # MONAI's own writer takes a 3D array's affine for 2D, and fails where the first axes map to no plane.
                nib.save(nib.Nifti1Image(label[0].cpu().numpy().astype(np.uint8), affine), temporary)
        return d
