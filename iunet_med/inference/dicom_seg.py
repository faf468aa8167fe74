"""Writes a label map as a DICOM segmentation object that refers to the series it was made of."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from nibabel.affines import voxel_sizes
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from numpy.typing import ArrayLike, NDArray
from pydicom.sr.codedict import codes

from iunet_med.files import replacing

TOLERANCE_VOXELS = 0.05
"""A voxel of the label map may lie so far from the source's; programs round positions to far less."""
_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # from DICOM's LPS
_UIDS = ("SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
_PLACE = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns")
_ABNORMAL, _ORGAN = codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.AnatomicalStructure
_CODES = {
    "necro": (_ABNORMAL, codes.SCT.Necrosis),
    "edema": (_ABNORMAL, codes.SCT.Edema),  # and oedema
    "tumo": (_ABNORMAL, codes.SCT.Neoplasm),
    "lesion": (_ABNORMAL, codes.SCT.Lesion),
    "spleen": (_ORGAN, codes.SCT.Spleen),
    "liver": (_ORGAN, codes.SCT.Liver),
    "kidney": (_ORGAN, codes.SCT.Kidney),
    "pancreas": (_ORGAN, codes.SCT.Pancreas),
}
"""Category and type of a segment by a part of its label's name. Source: DICOM PS3.16, CID 7150, 7159 and 7166."""
_OTHER = (codes.SCT.Tissue, codes.SCT.Tissue)


def write_dicom_seg(
    path: str | Path,
    label: NDArray[Any],
    affine: ArrayLike,
    *,
    source: Sequence[pydicom.Dataset | str | Path],
    names: Mapping[int, str],
    software_version: str,
) -> None:
    """Write a BINARY segmentation, one segment per label of `names` that occurs, in the order of the values.

    A label map whose axes are the series' ones in another order or direction is turned to them, exactly.

    Args:
        path: the DICOM file; it appears complete or not at all.
        label: label map (column, row, slice) of integers, as nibabel and MONAI read a series; 0 is the background.
        affine: voxel index to RAS+ mm, (4, 4).
        source: the slices of one series in any order, read or as files.
        names: the name of each label value.
        software_version: recorded in the file.

    Raises:
        ImportError: highdicom is missing.
        ValueError: nothing is labelled, a value has no name, the slices lack UIDs or places or are no regular stack,
            or the label map does not lie on their grid.
    """
    highdicom = import_highdicom()
    values = _values(label, names)
    slices, grid = _stack([_read(item) for item in source])
    frames = _on_grid(label, np.asarray(affine, np.float64), grid, shape=_shape(slices)).transpose(2, 1, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they quote the patient's name where it is spelled unusually
        segmentation = highdicom.seg.Segmentation(
            source_images=slices,
            pixel_array=_numbered(frames, values),
            segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=_descriptions(highdicom, [names[value] for value in values], software_version),
            series_instance_uid=highdicom.UID(),
            series_number=int(slices[0].get("SeriesNumber") or 0) + 1000,
            sop_instance_uid=highdicom.UID(),
            instance_number=1,
            manufacturer="iunet-med",
            manufacturer_model_name="iunet-med",
            software_versions=software_version,
            device_serial_number="none",
            series_description="Segmentation by iunet-med (research use only)",
            content_label="SEGMENTATION",
        )
    with replacing(path) as temporary:
        segmentation.save_as(temporary)


def import_highdicom() -> Any:
    """Return the module.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import highdicom
    except ImportError as error:
        raise ImportError("DICOM segmentations need highdicom: pip install 'iunet-med[dicom]'") from error
    return highdicom


def _values(label: NDArray[Any], names: Mapping[int, str]) -> list[int]:
    if label.ndim != 3 or label.dtype.kind not in "iu":
        raise ValueError(
            f"the label map has shape {label.shape} and type {label.dtype}; needed: three axes of integers; take one "
            "channel, and convert with .astype('uint8')."
        )
    values = sorted({int(value) for plane in label for value in np.unique(plane)} - {0})
    if not values:
        raise ValueError("nothing is labelled, and a DICOM segmentation needs one segment; write none for this case.")
    if unnamed := sorted(set(values) - set(names)):
        raise ValueError(f"the label map has the values {unnamed}, which the names {dict(names)} lack; name them.")
    return values


def _read(item: pydicom.Dataset | str | Path) -> pydicom.Dataset:
    return item if isinstance(item, pydicom.Dataset) else pydicom.dcmread(item, stop_before_pixels=True)


def _shape(slices: Sequence[pydicom.Dataset]) -> tuple[int, int, int]:
    return int(slices[0].Columns), int(slices[0].Rows), len(slices)


def _stack(slices: Sequence[pydicom.Dataset]) -> tuple[list[pydicom.Dataset], NDArray[np.float64]]:
    """The slices in the order of their places, and the affine of (column, row, slice) to RAS+ mm."""
    if len(slices) < 2:
        raise ValueError(f"{len(slices)} slices came; needed: a series of two or more; give all files of the series.")
    for keywords, cure in ((_UIDS, "export the series again with its UIDs"), (_PLACE, "give the original images")):
        if missing := [keyword for keyword in keywords if any(_empty(item, keyword) for item in slices)]:
            raise ValueError(
                f"slices of the source series have no {', '.join(missing)}; needed: a segmentation refers to its "
                f"source by these; {cure}."
            )
    across, down = np.array(slices[0].ImageOrientationPatient, np.float64).reshape(2, 3)
    normal = np.cross(across, down)
    slices = sorted(slices, key=lambda item: float(np.dot(normal, np.array(item.ImagePositionPatient, np.float64))))
    places = np.array([item.ImagePositionPatient for item in slices], np.float64)
    between_rows, between_columns = (float(length) for length in slices[0].PixelSpacing)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = across * between_columns, down * between_rows
    affine[:3, 2], affine[:3, 3] = (places[-1] - places[0]) / (len(slices) - 1), places[0]
    _check_stack(slices, places, affine)
    return slices, _RAS @ affine


def _empty(item: pydicom.Dataset, keyword: str) -> bool:
    return item.get(keyword) in (None, "")


def _check_stack(slices: Sequence[pydicom.Dataset], places: NDArray[np.float64], affine: NDArray[np.float64]) -> None:
    if len({item.SeriesInstanceUID for item in slices}) > 1:
        raise ValueError("the slices are of several series; needed: one; give the files of one series.")
    first = slices[0]
    same = all(
        (item.Rows, item.Columns) == (first.Rows, first.Columns)
        and np.allclose(item.ImageOrientationPatient, first.ImageOrientationPatient, atol=1e-4)
        and np.allclose(item.PixelSpacing, first.PixelSpacing, atol=1e-4)
        for item in slices
    )
    regular = affine[:3, 3] + np.arange(len(slices))[:, None] * affine[:3, 2]
    off_mm = float(np.abs(places - regular).max())
    step_mm = float(np.linalg.norm(affine[:3, 2]))
    if not same or step_mm == 0 or off_mm > TOLERANCE_VOXELS * step_mm:
        raise ValueError(
            f"the slices are no regular stack (up to {off_mm:.3g} mm away from steps of {step_mm:.3g} mm); needed: one "
            "size, orientation and distance; give one complete series, without localisers."
        )


def _on_grid(
    label: NDArray[Any], affine: NDArray[np.float64], grid: NDArray[np.float64], *, shape: tuple[int, int, int]
) -> NDArray[Any]:
    """Turn a label map to the axes of `grid`, if it lies on it."""
    to_grid = np.linalg.inv(grid) @ affine
    turn = io_orientation(to_grid)
    came = label.shape
    if not np.isnan(turn).any():
        to_grid = to_grid @ inv_ornt_aff(turn, label.shape)
        label = apply_orientation(label, turn)
    away = np.abs(to_grid - np.eye(4)) @ [*shape, 1]  # at the farthest corner, in voxels
    if label.shape != shape or away.max() > TOLERANCE_VOXELS:
        raise ValueError(
            f"the label map {came} does not lie on the grid of the source series {shape}: voxels of "
            f"{voxel_sizes(affine).round(4).tolist()} against {voxel_sizes(grid).round(4).tolist()} mm, and up to "
            f"{away.max():.3g} voxels away; needed: the series that the label map was made of; give that one."
        )
    return label


def _numbered(label: NDArray[Any], values: Sequence[int]) -> NDArray[Any]:
    """Label values -> segment numbers, which DICOM counts from 1."""
    lookup = np.zeros(values[-1] + 1, np.uint8 if len(values) < 256 else np.uint16)
    lookup[list(values)] = np.arange(1, len(values) + 1)
    return np.asarray(lookup[label])


def _descriptions(highdicom: Any, names: Sequence[str], version: str) -> list[Any]:
    algorithm = highdicom.AlgorithmIdentificationSequence(
        name="iunet-med", version=version, family=codes.cid7162.ArtificialIntelligence
    )
    return [_describe(highdicom, number, name, algorithm) for number, name in enumerate(names, 1)]


def _describe(highdicom: Any, number: int, name: str, algorithm: Any) -> Any:
    category, kind = next((pair for part, pair in _CODES.items() if part in name.lower()), _OTHER)
    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=name[:64],  # the longest text that DICOM allows here
        segmented_property_category=category,
        segmented_property_type=kind,
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
    )
