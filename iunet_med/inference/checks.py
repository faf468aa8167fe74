"""What is implausible in an input volume, its NIfTI header, or a label map that was made of it."""

from collections.abc import Sequence
from typing import Any, Literal

import nibabel as nib
from numpy.typing import ArrayLike, NDArray

from iunet_med.inference.findings import Finding
from iunet_med.inference.measures import RegionMeasure


def check_volume(
    array: NDArray[Any],
    affine: ArrayLike,
    *,
    modality: Literal["CT", "MR"] | None,
    channels: int = 1,
    zero_background: bool = False,
) -> list[Finding]:
    """Check voxels and grid of one volume, however it was read; refusals come first.

    Args:
        array: (X, Y, Z), or (X, Y, Z, C) for several channels in one file.
        affine: voxel index to mm, (4, 4).
        modality: "CT" adds checks of HU, "MR" those of MR images; None is neither.
        channels: how many channels are needed in this array; 1 where each modality is an array of its own.
        zero_background: whether the network knows only images that are zero outside the body (skull-stripped heads).
    """
    raise NotImplementedError


def check_nifti_header(image: nib.Nifti1Image) -> list[Finding]:
    """Check what a NIfTI header says of the geometry: present, consistent, in millimetres. Reads no voxels."""
    raise NotImplementedError


def check_labels(measures: Sequence[RegionMeasure], *, volume_ml: float) -> list[Finding]:
    """Check the measures of a label map: nothing found, or implausibly much of the image.

    Args:
        measures: one per label, from `measure_labels`.
        volume_ml: the volume of the whole image, `number of voxels * |det(affine[:3, :3])| / 1000`.
    """
    raise NotImplementedError
