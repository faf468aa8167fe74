"""Writes a segmentation, or a restored image, on the voxels of the image that it belongs to."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from monai.config import KeysCollection
from monai.transforms import SaveImaged
from numpy.typing import NDArray

from iunet_med.volumes import AFFINE_TOLERANCE, ENDINGS, read_header, write_nifti


class SaveOnGridd(SaveImaged):  # type: ignore[misc]
    """A volume (1, D, H, W), back on its image's grid -> `output_dir`/CASE/CASE_NAME.nii.gz.

    CASE is the item's `case`. A file appears complete or not at all, and replaces an older one. It is a `SaveImaged`,
    so that programs that write results themselves recognise it and take it away.

    Both forms of a NIfTI image's header are kept, so that the volume lies on the image for every program.

    Args:
        keys: of the volumes.
        output_dir: the folder.
        name: what the file is called after the case.
        dtype: of its voxels.

    Raises:
        ValueError: if the volume does not lie on its image's grid, because `Invertd` is missing before it.
    """

    def __init__(
        self, keys: KeysCollection, output_dir: str, *, name: str, dtype: type[Any], allow_missing_keys: bool = False
    ) -> None:
        super().__init__(
            keys,
            output_dir=output_dir,
            output_dtype=dtype,
            resample=False,
            print_log=False,
            allow_missing_keys=allow_missing_keys,
        )
        self.output_dir = Path(output_dir)
        self.name, self.dtype = name, dtype

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the volumes of `data`."""
        d = dict(data)
        for key in self.key_iterator(d):
            volume, meta = d[key], d[key].meta
            shape, affine = tuple(meta["spatial_shape"]), np.asarray(meta["original_affine"])
            if tuple(volume.shape[1:]) != shape or not np.allclose(
                volume.affine, affine, rtol=0, atol=AFFINE_TOLERANCE
            ):
                raise ValueError(
                    f"the result of {d['case']} has shape {tuple(volume.shape[1:])} and affine "
                    f"{volume.affine.tolist()}; its image has {shape} and {affine.tolist()}; put Invertd before "
                    f"{type(self).__name__}."
                )
            path = self.output_dir / d["case"] / f"{d['case']}_{self.name}.nii.gz"
            # MONAI's own writer takes a 3D array's affine for 2D, and fails where the first axes map to no plane.
            voxels = volume[0].cpu().numpy().astype(self.dtype)
            write_nifti(path, voxels, affine, like=_header(meta.get("filename_or_obj"), affine))
        return d


class SaveSegmentationd(SaveOnGridd):
    """Label map (1, D, H, W), back on its image's grid -> `output_dir`/CASE/CASE_seg.nii.gz, uint8.

    >>> SaveSegmentationd("pred", "results").output_dir.name
    'results'
    """

    def __init__(self, keys: KeysCollection, output_dir: str, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, output_dir, name="seg", dtype=np.uint8, allow_missing_keys=allow_missing_keys)


class SaveRestoredd(SaveOnGridd):
    """Restored image (1, D, H, W), on its image's grid -> `output_dir`/CASE/CASE_restored.nii.gz, float32.

    >>> SaveRestoredd("pred", "results").name
    'restored'
    """

    def __init__(self, keys: KeysCollection, output_dir: str, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, output_dir, name="restored", dtype=np.float32, allow_missing_keys=allow_missing_keys)


def _header(name: Any, affine: NDArray[np.float64]) -> nib.Nifti1Header | None:
    """The header of the image's file, where it is there and the label map lies on its grid."""
    if not name or not Path(name).is_file() or not str(name).lower().endswith(ENDINGS):
        return None
    grid, header = read_header(name)
    return header if np.allclose(grid.affine, affine, rtol=0, atol=AFFINE_TOLERANCE) else None
