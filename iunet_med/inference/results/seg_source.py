"""What a DICOM segmentation takes of its source: the stack as it was measured, and headers that are valid."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, config, dcmread
from pydicom.datadict import dictionary_VR
from pydicom.multival import MultiValue
from pydicom.uid import CTImageStorage, generate_uid
from pydicom.valuerep import DA, TM, format_number_as_ds, validate_value

from iunet_med.volumes.dicom.geometry import (
    ORIENTATION_TOLERANCE,
    Stack,
    check_plane,
    sorted_by_position,
    stack_slices,
)
from iunet_med.volumes.dicom.headers import Frame, frames_of
from iunet_med.volumes.dicom.series import Series
from iunet_med.volumes.grid import LPS_TO_RAS

_GROUP_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
_INSTANCE_UIDS = {"SOPClassUID": "MediaStorageSOPClassUID", "SOPInstanceUID": "MediaStorageSOPInstanceUID"}
"""A slice's own UIDs, and where a file holds them a second time: anonymisers empty the first place alone."""
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
_PARSERS: Mapping[str, Callable[[str], object]] = {"DA": DA, "TM": TM}
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
        stack: where the slices lie, as the series was read with.
        series_number: of the source; 0 where it has none.
    """

    headers: list[Dataset]
    places: Mapping[str, Place]
    stack: Stack
    series_number: int


def seg_source(source: Series | Sequence[Dataset | str | Path]) -> SegSource:
    """Take a series, or all files of one in any order, as the source of a segmentation.

    Slices of an even stack lie evenly in the headers, as in the affine: no reader has to bear what the scanner's
    rounding left. Study, series and frame of reference get a UID where they have none.

    Raises:
        ValueError: slices have no UID of their own or no place, or are of several series.
    """
    files = _files(source)
    frames = source.frames if isinstance(source, Series) else _frames(files)
    uids = _instance_uids(files)
    stack = stack_slices(frames)
    first = files[frames[0].path]
    shared = _shared(first, frames[0], stack)
    shared.update(_group_uids(files, first, seed=uids[frames[0].path]["SOPInstanceUID"]))
    headers, places = [], {}
    for number, frame in enumerate(frames):
        header = _slice(shared, uids[frame.path], (LPS_TO_RAS @ stack.place_of(number))[:3, 3])
        place = Place(header.SOPClassUID, header.SOPInstanceUID, None if frame.index is None else frame.index + 1)
        if place.number is not None:
            header.SOPClassUID, header.SOPInstanceUID = CTImageStorage, generate_uid()  # any class of single images
        headers.append(header)
        places[str(header.SOPInstanceUID)] = place
    return SegSource(headers, places, stack, _series_number(first))


def _files(source: Series | Sequence[Dataset | str | Path]) -> dict[Path, Dataset]:
    if isinstance(source, Series):
        return {path: source.headers.get(path) or dcmread(path, stop_before_pixels=True) for path in source.files}
    if not source:
        raise ValueError("expected a series of two or more slices, got none; give all files of the series")
    return {
        Path(str(number)): item if isinstance(item, Dataset) else dcmread(item, stop_before_pixels=True)
        for number, item in enumerate(source)
    }


def _frames(files: Mapping[Path, Dataset]) -> list[Frame]:
    if any(not (header.get("Rows") and header.get("Columns")) for header in files.values()):
        raise ValueError("a slice of the source series has no Rows or Columns; give the original images")
    frames = [frame for path, header in files.items() for frame in frames_of(header, path)]
    if len(frames) < 2:
        raise ValueError(f"expected a series of two or more slices, got {len(frames)}; give all files of the series")
    for frame in frames:
        try:
            check_plane(frame)
        except ValueError as error:
            raise ValueError(f"a slice of the source series {error}") from None
    planes = np.array([[*frame.size, *(frame.orientation or ()), *(frame.spacing or ())] for frame in frames])
    if not np.allclose(planes, planes[0], rtol=0, atol=ORIENTATION_TOLERANCE):
        raise ValueError("the slices differ in size, orientation or spacing; give one series, without localisers")
    return sorted_by_position(frames)


def _instance_uids(files: Mapping[Path, Dataset]) -> dict[Path, dict[str, str]]:
    found = {path: _own_uids(header) for path, header in files.items()}
    if missing := [keyword for keyword in _INSTANCE_UIDS if any(not uids[keyword] for uids in found.values())]:
        raise ValueError(
            f"slices of the source series have no {', '.join(missing)}, by which a segmentation refers to its source; "
            "export the series again with its UIDs"
        )
    if len({uids["SOPInstanceUID"] for uids in found.values()}) < len(found):
        raise ValueError(
            "several slices of the source series have the same SOPInstanceUID; expected a different one for "
            "each, by which a segmentation refers to it; export the series again"
        )
    return found


def _own_uids(header: Dataset) -> dict[str, str]:
    meta = getattr(header, "file_meta", Dataset())
    return {keyword: str(header.get(keyword) or meta.get(other) or "") for keyword, other in _INSTANCE_UIDS.items()}


def _group_uids(files: Mapping[Path, Dataset], first: Dataset, *, seed: str) -> Dataset:
    if len({str(header.get("SeriesInstanceUID") or "") for header in files.values()}) > 1:
        raise ValueError("the slices are of several series; expected one; give the files of one series")
    group = Dataset()
    for keyword in _GROUP_UIDS:  # the same in every run, so that a second segmentation joins the first one
        setattr(group, keyword, str(first.get(keyword) or "") or generate_uid(entropy_srcs=[keyword, seed]))
    return group


def _shared(first: Dataset, frame: Frame, stack: Stack) -> Dataset:
    """What all slices have in common."""
    shared = Dataset()
    shared.SpecificCharacterSet = "ISO_IR 192"  # UTF-8 holds every name, whatever the source was written in
    for keyword in _NEEDED:
        setattr(shared, keyword, valid_value(first, keyword))
    for keyword in _WELCOME:
        if value := valid_value(first, keyword):
            setattr(shared, keyword, value)
    shared.Rows, shared.Columns = frame.size
    # the nearest right-angled axes; writers round cosines, and readers of segmentations bear less of it
    left, _, right = np.linalg.svd(np.array(frame.orientation, np.float64).reshape(2, 3), full_matrices=False)
    shared.ImageOrientationPatient = _decimals((left @ right).ravel())
    shared.PixelSpacing = _decimals(frame.spacing or ())
    shared.SliceThickness = _decimals([float(np.linalg.norm(stack.height_step))])[0]
    return shared


def _slice(shared: Dataset, uids: Mapping[str, str], position: NDArray[np.float64]) -> Dataset:
    header = Dataset()
    header.update(shared)
    for keyword, uid in uids.items():
        setattr(header, keyword, uid)
    header.ImagePositionPatient = _decimals(position)
    return header


def valid_value(header: Dataset, keyword: str) -> str:
    """Return a header's value, or "" where it is missing or breaks the rules of its kind, as anonymisers leave them."""
    kind = dictionary_VR(keyword)
    try:
        value = header.get(keyword) or ""
        if isinstance(value, MultiValue):  # none of them may have several
            return ""
        text = str(value)
        validate_value(kind, text, config.RAISE)
        text.encode("utf-8")
        if text and kind in _PARSERS:
            _PARSERS[kind](text)
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
