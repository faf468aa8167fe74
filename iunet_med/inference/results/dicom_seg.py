"""Writes a label map as a DICOM segmentation object that refers to the series it was made of."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import ArrayLike, NDArray
from pydicom.sr.codedict import codes

from iunet_med.files import replacing
from iunet_med.inference.results.seg_codes import segment_codes
from iunet_med.inference.results.seg_place import on_slices
from iunet_med.inference.results.seg_source import Place, SegSource, seg_source
from iunet_med.volumes.dicom.series import Series


def write_dicom_seg(
    path: str | Path,
    label: NDArray[Any],
    affine: ArrayLike,
    *,
    source: Series | Sequence[pydicom.Dataset | str | Path],
    names: Mapping[int, str],
    software_version: str,
    sparse: bool = False,
) -> None:
    """Write a BINARY segmentation, one segment per label of `names` that occurs, in the order of the values.

    Of the source's patient and study it holds what is valid, and what DICOM wants beyond that is empty.

    A label map whose axes are the series' ones in another order or direction is turned to them, exactly. Slices that
    are uneven or tilted take the labels that lie nearest: their label map was made on a grid of its own.

    Args:
        path: the DICOM file; it appears complete or not at all.
        label: label map (column, row, slice) of integers, as nibabel and MONAI read a series; 0 is the background.
        affine: voxel index to RAS+ mm, (4, 4).
        source: a series, or its slices in any order, read or as files.
        names: the name of each label value.
        software_version: recorded in the file.
        sparse: whether slices without a segment are left out of it; some viewers then misplace the others.

    Raises:
        ImportError: highdicom is missing.
        ValueError: nothing is labelled, a value has no name, the slices lack UIDs or places, or the label map does not
            lie on them.
    """
    highdicom = import_highdicom()
    _values(label, names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they quote the patient's name where it is spelled unusually
        taken = seg_source(source)
        placed = on_slices(label, np.asarray(affine, np.float64), taken.stack, size=_size(taken))
        values = _values(placed, names)
        numbered = _numbered(placed.transpose(2, 1, 0), values)
        described = _descriptions(highdicom, [names[value] for value in values], software_version)
        segmentation = _segmentation(highdicom, taken, numbered, described, software_version, sparse=sparse)
        _refer_to_files(segmentation, taken.places)
        with replacing(path) as temporary:
            segmentation.save_as(temporary)


def _segmentation(
    highdicom: Any, taken: SegSource, numbered: NDArray[Any], described: Sequence[Any], version: str, *, sparse: bool
) -> pydicom.Dataset:
    try:
        made: pydicom.Dataset = highdicom.seg.Segmentation(
            source_images=taken.headers,
            pixel_array=numbered,
            segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=described,
            series_instance_uid=highdicom.UID(),
            series_number=taken.series_number + 1000,
            sop_instance_uid=highdicom.UID(),
            instance_number=1,
            manufacturer="iunet-med",
            manufacturer_model_name="iunet-med",
            software_versions=version,
            device_serial_number="none",
            series_description="Segmentation by iunet-med (research use only)",
            content_label="SEGMENTATION",
            omit_empty_frames=sparse,
        )
    except Exception as error:  # its text may quote the patient's data
        raise ValueError(
            f"highdicom could not make one of this series ({type(error).__name__}); export the series again"
        ) from error
    return made


def _refer_to_files(segmentation: pydicom.Dataset, places: Mapping[str, Place]) -> None:
    """Let references to frames that were taken for files of their own name the file and the frame's number."""
    if all(place.number is None for place in places.values()):
        return

    def refer(item: pydicom.Dataset, _element: Any) -> None:
        if place := places.get(str(item.get("ReferencedSOPInstanceUID", ""))):
            item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = place.sop_class, place.instance
            item.ReferencedFrameNumber = place.number

    segmentation.walk(refer)
    for referenced in segmentation.ReferencedSeriesSequence:
        once = {item.ReferencedSOPInstanceUID: item for item in referenced.ReferencedInstanceSequence}
        for item in once.values():
            del item.ReferencedFrameNumber  # the file as a whole
        referenced.ReferencedInstanceSequence = list(once.values())


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
            f"the label map has shape {label.shape} and type {label.dtype}; expected three axes of integers; take one "
            "channel, and convert with .astype('uint8')."
        )
    values = sorted({int(value) for plane in label for value in np.unique(plane)} - {0})
    if not values:
        raise ValueError("nothing is labelled, and a DICOM segmentation needs one segment; write none for this case.")
    if unnamed := sorted(set(values) - set(names)):
        raise ValueError(f"the label map has the values {unnamed}, which the names {dict(names)} lack; name them.")
    return values


def _size(taken: SegSource) -> tuple[int, int]:
    return int(taken.headers[0].Columns), int(taken.headers[0].Rows)


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
    category, kind, side = (
        code and highdicom.sr.CodedConcept(code.value, "SCT", code.meaning) for code in segment_codes(name)
    )
    described = highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=name[:64],  # the longest text that DICOM allows here
        segmented_property_category=category,
        segmented_property_type=kind,
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
    )
    if side:
        described.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [side]
    return described
