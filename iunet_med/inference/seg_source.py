"""What a DICOM segmentation takes of its source: the stack as it was measured, and headers that are valid."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, config, dcmread
from pydicom.datadict import dictionary_VR
from pydicom.uid import CTImageStorage, generate_uid
from pydicom.valuerep import DA, TM, format_number_as_ds, validate_value

from iunet_med.volumes.dicom.geometry import (
    LPS_TO_RAS,
    ORIENTATION_TOLERANCE,
    check_plane,
    sorted_by_position,
    stack_slices,
    uneven_message,
)
from iunet_med.volumes.dicom.headers import Frame, frames_of
from iunet_med.volumes.dicom.series import Series

_UIDS = ("SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
_NEEDED = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyID", "AccessionNumber", "StudyDate"),
    *("StudyTime", "ReferringPhysicianName", "PositionReferenceIndicator", "Manufacturer"),
)
"""DICOM wants them in every segmentation (type 2), empty where they are unknown."""
_WELCOME = (
    *("StudyDescription", "PatientAge", "PatientSize", "PatientWeight", "IssuerOfPatientID", "PatientIdentityRemoved"),
    *("DeidentificationMethod", "LossyImageCompression"),
)
_SEXES = ("M", "F", "O")
_LAST_SERIES = 2**31 - 1 - 1000


@dataclass(frozen=True)
class Place:
    """A frame of the source: its file's class and UID, and its number in the file, from 1, where that has several."""

    sop_class: str
    instance: str
    number: int | None


@dataclass(frozen=True)
class SegSource:
    """The source of a segmentation.

    Args:
        headers: one per slice in the stack's order, each as if it were a file of its own.
        places: by each header's SOPInstanceUID the frame that it stands for.
        grid: the affine of (column, row, slice) to RAS+ mm, as the series was read with.
        series_number: of the source; 0 where it has none.
    """

    headers: list[Dataset]
    places: Mapping[str, Place]
    grid: NDArray[np.float64]
    series_number: int


def seg_source(source: Series | Sequence[Dataset | str | Path]) -> SegSource:
    """Take a series, or all files of one in any order, as the source of a segmentation.

    Slices lie evenly in the headers, as in the affine: no reader has to bear what the scanner's rounding left.

    Raises:
        ValueError: the slices lack UIDs or places, are of several series, or are no even stack.
    """
    files = _files(source)
    frames = source.frames if isinstance(source, Series) else _frames(files)
    uids = {path: _uids(header) for path, header in files.items()}
    if len({uid["SeriesInstanceUID"] for uid in uids.values()}) > 1:
        raise ValueError("the slices are of several series; needed: one; give the files of one series")
    stack = stack_slices(frames)
    if not stack.is_even:
        raise ValueError(uneven_message(stack))
    affine = LPS_TO_RAS @ stack.affine
    first = files[frames[0].path]
    shared = _shared(first, frames[0], affine)
    headers, places = [], {}
    for number, frame in enumerate(frames):
        header = _slice(shared, uids[frame.path], number, affine)
        place = Place(header.SOPClassUID, header.SOPInstanceUID, None if frame.index is None else frame.index + 1)
        if place.number is not None:
            header.SOPClassUID, header.SOPInstanceUID = CTImageStorage, generate_uid()  # any class of single images
        headers.append(header)
        places[str(header.SOPInstanceUID)] = place
    return SegSource(headers, places, stack.affine, _series_number(first))


def _files(source: Series | Sequence[Dataset | str | Path]) -> dict[Path, Dataset]:
    if isinstance(source, Series):
        return {path: dcmread(path, stop_before_pixels=True) for path in source.files}
    if not source:
        raise ValueError("no slices came; needed: a series of two or more; give all files of the series")
    return {
        Path(str(number)): item if isinstance(item, Dataset) else dcmread(item, stop_before_pixels=True)
        for number, item in enumerate(source)
    }


def _frames(files: Mapping[Path, Dataset]) -> list[Frame]:
    if any(not (header.get("Rows") and header.get("Columns")) for header in files.values()):
        raise ValueError("a slice of the source series has no Rows or Columns; give the original images")
    frames = [frame for path, header in files.items() for frame in frames_of(header, path)]
    if len(frames) < 2:
        raise ValueError(f"{len(frames)} slices came; needed: a series of two or more; give all files of the series")
    for frame in frames:
        try:
            check_plane(frame)
        except ValueError as error:
            raise ValueError(f"a slice of the source series {error}") from None
    planes = np.array([[*frame.size, *(frame.orientation or ()), *(frame.spacing or ())] for frame in frames])
    if not np.allclose(planes, planes[0], rtol=0, atol=ORIENTATION_TOLERANCE):
        raise ValueError("the slices differ in size, orientation or spacing; give one series, without localisers")
    return sorted_by_position(frames)


def _uids(header: Dataset) -> dict[str, str]:
    found = {keyword: str(header.get(keyword) or "") for keyword in _UIDS}
    if missing := [keyword for keyword, uid in found.items() if not uid]:
        raise ValueError(
            f"slices of the source series have no {', '.join(missing)}; needed: a segmentation refers to its source by "
            "these; export the series again with its UIDs"
        )
    return found


def _shared(first: Dataset, frame: Frame, affine: NDArray[np.float64]) -> Dataset:
    """What all slices have in common."""
    shared = Dataset()
    shared.SpecificCharacterSet = "ISO_IR 192"  # UTF-8 holds every name, whatever the source was written in
    for keyword in _NEEDED:
        setattr(shared, keyword, valid_value(first, keyword) or "")
    for keyword in _WELCOME:
        if value := valid_value(first, keyword):
            setattr(shared, keyword, value)
    shared.Rows, shared.Columns = frame.size
    # the nearest right-angled axes; writers round cosines, and readers of segmentations bear less of it
    left, _, right = np.linalg.svd(np.array(frame.orientation, np.float64).reshape(2, 3), full_matrices=False)
    shared.ImageOrientationPatient = _decimals((left @ right).ravel())
    shared.PixelSpacing = _decimals(frame.spacing or ())
    shared.SliceThickness = _decimals([float(np.linalg.norm(affine[:3, 2]))])[0]
    return shared


def _slice(shared: Dataset, uids: Mapping[str, str], number: int, affine: NDArray[np.float64]) -> Dataset:
    header = Dataset()
    header.update(shared)
    for keyword, uid in uids.items():
        setattr(header, keyword, uid)
    header.ImagePositionPatient = _decimals(affine[:3, 3] + number * affine[:3, 2])
    header.InstanceNumber = number + 1
    return header


def valid_value(header: Dataset, keyword: str) -> Any:
    """Return a header's value, or "" where it is missing or breaks the rules of its kind, as anonymisers leave them."""
    kind = dictionary_VR(keyword)
    try:
        text = str(header.get(keyword) or "")
        validate_value(kind, text, config.RAISE)
        text.encode("utf-8")
        if text and kind in ("DA", "TM"):
            {"DA": DA, "TM": TM}[kind](text)
    except Exception:  # pydicom converts when asked, and raises what it likes for a value that cannot be converted
        return ""
    return "" if keyword == "PatientSex" and text not in _SEXES else text


def _series_number(header: Dataset) -> int:
    try:
        number = int(header.get("SeriesNumber") or 0)
    except Exception:  # as in `valid_value`
        return 0
    return number if 0 < number <= _LAST_SERIES else 0


def _decimals(values: Iterable[float]) -> list[str]:
    """Numbers as DICOM writes them, in 16 characters at most."""
    return [format_number_as_ds(float(value)) for value in values]
