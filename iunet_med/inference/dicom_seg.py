"""Writes a label map as a DICOM segmentation object that refers to the series it was made of."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pydicom


def write_dicom_seg(
    path: str | Path,
    label: NDArray[Any],
    affine: ArrayLike,
    *,
    source: "Sequence[pydicom.Dataset | str | Path]",
    names: Mapping[int, str],
    software_version: str,
) -> None:
    """Write a BINARY segmentation, one segment per label of `names` that occurs.

    Args:
        path: the DICOM file; it appears complete or not at all.
        label: label map (column, row, slice) of integers, as nibabel and MONAI read a series.
        affine: voxel index to RAS+ mm, (4, 4).
        source: the series' slices in any order, read or as files.
        names: the name of each label value.
        software_version: recorded in the file.

    Raises:
        ImportError: highdicom is missing.
        ValueError: the label map does not lie on the source's grid, the source has no UIDs, or nothing is labelled.
    """
    raise NotImplementedError
