"""DICOM segmentation objects as label maps in the values of the bundle."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pydicom
import pydicom_seg
import SimpleITK

from iunet_med.monai_label.segments import values_of
from iunet_med.volumes import Grid, read_volume, write_nifti
from iunet_med.volumes.nearest import labels_on_grid


def segment_names(header: pydicom.Dataset) -> dict[int, str]:
    """Return the names of a segmentation's segments by their numbers."""
    return {int(one.SegmentNumber): str(one.SegmentLabel) for one in header.SegmentSequence}


def algorithms(header: pydicom.Dataset) -> set[str]:
    """Return what made the segments."""
    return {str(one.get("SegmentAlgorithmName", "")) for one in header.SegmentSequence}


def write_labels(segmentation: Path, path: Path, *, names: Mapping[str, int], grid: Grid) -> None:
    """Write a segmentation object as a label map, NIfTI, on a grid.

    Args:
        segmentation: the DICOM file.
        path: the label map.
        names: the label values by their names.
        grid: of the image.

    Raises:
        ValueError: a segment's name is unknown, or segments overlap.
    """
    header = pydicom.dcmread(segmentation)
    values = values_of(segment_names(header), names)
    read = pydicom_seg.SegmentReader().read(header)
    labels = np.zeros(grid.shape, np.uint8)
    for number, value in values.items():
        SimpleITK.WriteImage(read.segment_image(number), str(mask := path.with_name(f"{path.name}.nrrd")))
        volume = read_volume(mask)
        mask.unlink()
        inside = labels_on_grid(np.asarray(volume.array, np.uint8), volume.affine, shape=grid.shape, to=grid.affine) > 0
        if np.any(labels[inside]):
            raise ValueError(f"expected segments apart from each other, got {', '.join(names)} that overlap.")
        labels[inside] = value
    write_nifti(path, labels, grid.affine, like=None)
