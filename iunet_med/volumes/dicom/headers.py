"""What the header of one DICOM file says of its images, without their pixels."""

import math
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread, uid
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue

VOLUME_CLASSES = {
    uid.CTImageStorage,
    uid.EnhancedCTImageStorage,
    uid.LegacyConvertedEnhancedCTImageStorage,
    uid.MRImageStorage,
    uid.EnhancedMRImageStorage,
    uid.LegacyConvertedEnhancedMRImageStorage,
    uid.PositronEmissionTomographyImageStorage,
    uid.EnhancedPETImageStorage,
    uid.LegacyConvertedEnhancedPETImageStorage,
}
"""The kinds of object whose images lie in the patient's coordinates."""

VOLUME_MODALITIES = {"CT", "MR", "PT"}
"""Judged by these where a file does not say its kind, as after some anonymisers."""

TAGS = [
    "ImageType",
    "SOPClassUID",
    "SOPInstanceUID",
    "Modality",
    "SeriesDescription",
    "ProtocolName",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SeriesNumber",
    "FrameOfReferenceUID",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "EchoNumbers",
    "EchoTime",
    "AcquisitionNumber",
    "AcquisitionDateTime",
    "AcquisitionTime",
    "TemporalPositionIdentifier",
    "DiffusionBValue",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "SpecificCharacterSet",
]


class NotAVolumeError(ValueError):
    """The file holds no image that could be a slice of a volume; the message says what it holds."""


@dataclass(frozen=True)
class Frame:
    """One image: a whole file, or one frame of a file with several. Lengths in mm, axes L P S as in DICOM.

    Position, orientation and spacing are None where they are missing or not numbers. `kind` (image type, echo) always
    separates images; `repeat` (acquisition, time, echo time, b-value) only does where images lie at the same place,
    because some scanners number the acquisitions within one volume.
    """

    path: Path
    index: int | None
    size: tuple[int, int]
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
    kind: tuple[str, ...]
    repeat: tuple[str, ...]


@dataclass(frozen=True)
class Header:
    """Whose image it is and of which series, and its frames. The texts identify the patient: they are never shown."""

    path: Path
    patient: tuple[str, str, str, str]
    study: str
    series: str
    instance: str
    place: tuple[str, ...]
    start: float | None
    description: str
    protocol: str
    modality: str
    frames: tuple[Frame, ...]


def read_header(path: Path) -> Header:
    """Read one file's header.

    Raises:
        NotAVolumeError: says what is wrong with the file, without a word of what it holds.
    """
    try:
        if not path.is_file():
            raise NotAVolumeError("is no file that can be opened")
        if not path.stat().st_size:
            raise NotAVolumeError("is empty")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom quotes the values that it warns of
            return _header(dcmread(path, stop_before_pixels=True, specific_tags=[*TAGS]), path)
    except NotAVolumeError:
        raise
    except InvalidDicomError:
        raise NotAVolumeError("is not a DICOM file: the mark DICM is missing at byte 128") from None
    except Exception as error:  # a damaged file can raise anything, and the message may quote the patient's data
        raise NotAVolumeError(f"cannot be read as DICOM ({type(error).__name__}); copy the file again") from None


def functional_group(header: Dataset, frame: int | None, name: str) -> Dataset:
    """Return the item that describes a frame; of a file with a single image (frame None), the header itself."""
    if frame is None:
        return header
    shared = header.get("SharedFunctionalGroupsSequence") or [Dataset()]
    for groups in (header.PerFrameFunctionalGroupsSequence[frame], shared[0]):
        if items := groups.get(name):
            return items[0]
    return Dataset()


def frames_of(header: Dataset, path: Path) -> tuple[Frame, ...]:
    """Return the frames that a file's header describes; `path` is that of the file.

    Raises:
        NotAVolumeError: it does not describe each of them.
    """
    return tuple(_frame(header, path, index) for index in _frame_numbers(header))


def _header(header: Dataset, path: Path) -> Header:
    _check_kind(header)
    return Header(
        path=path,
        patient=(
            _text(header, "PatientID"),
            _text(header, "IssuerOfPatientID"),
            _text(header, "PatientName"),
            _text(header, "PatientBirthDate"),
        ),
        study=_text(header, "StudyInstanceUID"),
        series=_text(header, "SeriesInstanceUID"),
        instance=_text(header, "SOPInstanceUID"),
        place=tuple(_text(header, name) for name in ("FrameOfReferenceUID", "SeriesNumber", "SeriesDescription")),
        start=_seconds(_text(header, "AcquisitionDateTime")[8:] or _text(header, "AcquisitionTime")),
        description=_text(header, "SeriesDescription"),
        protocol=_text(header, "ProtocolName"),
        modality=_text(header, "Modality"),
        frames=frames_of(header, path),
    )


def _check_kind(header: Dataset) -> None:
    kind = uid.UID(_text(header, "SOPClassUID") or _text(header.file_meta, "MediaStorageSOPClassUID"))
    modality = _text(header, "Modality")
    if kind and kind not in VOLUME_CLASSES:
        name = kind.name if kind.name != str(kind) else "object of a private kind"
        raise NotAVolumeError(f"is no CT, MR or PET image but: {name}")
    if not kind and modality not in VOLUME_MODALITIES:
        raise NotAVolumeError("does not say that it is a CT, MR or PET image")
    if not (header.get("Rows") and header.get("Columns")):
        raise NotAVolumeError("holds no image: Rows or Columns is missing or zero")
    if header.get("SamplesPerPixel", 1) != 1 or header.get("PhotometricInterpretation") not in (
        "MONOCHROME1",
        "MONOCHROME2",
    ):
        raise NotAVolumeError("is a colour image; expected grey values")
    if header.get("PhotometricInterpretation") == "MONOCHROME1":
        raise NotAVolumeError(
            "is MONOCHROME1: low values are shown bright, so that its values may run the other way; "
            "convert it to MONOCHROME2"
        )
    if {"LOCALIZER", "SCOUT"} & set(_text(header, "ImageType").upper().split("\\")):
        raise NotAVolumeError("is a localiser")


def _frame_numbers(header: Dataset) -> list[int] | list[None]:
    groups = len(header.get("PerFrameFunctionalGroupsSequence") or [])
    frames = int(header.get("NumberOfFrames") or 1)
    if groups:
        if groups != frames:
            raise NotAVolumeError(f"holds {frames} frames but describes {groups}")
        return list(range(frames))
    if frames > 1:
        raise NotAVolumeError(f"holds {frames} frames and does not say where each lies; export one file per slice")
    return [None]


def _frame(header: Dataset, path: Path, index: int | None) -> Frame:
    def group(name: str) -> Dataset:
        return functional_group(header, index, name)

    content, echo = group("FrameContentSequence"), group("MREchoSequence")
    types = [group(f"{of}FrameTypeSequence").get("FrameType") for of in ("MRImage", "CTImage", "PET")]
    frame_type = next((kind for kind in types if kind), None)
    return Frame(
        path=path,
        index=index,
        size=(int(header.Rows), int(header.Columns)),
        position=_numbers(group("PlanePositionSequence").get("ImagePositionPatient"), 3),
        orientation=_numbers(group("PlaneOrientationSequence").get("ImageOrientationPatient"), 6),
        spacing=_numbers(group("PixelMeasuresSequence").get("PixelSpacing"), 2),
        kind=("\\".join(frame_type) if frame_type else _text(header, "ImageType"), _text(header, "EchoNumbers")),
        repeat=(
            _text(content, "FrameAcquisitionNumber") or _text(header, "AcquisitionNumber"),
            _text(content, "TemporalPositionIndex") or _text(header, "TemporalPositionIdentifier"),
            _text(echo, "EffectiveEchoTime") or _text(header, "EchoTime"),
            _text(group("MRDiffusionSequence"), "DiffusionBValue"),
        ),
    )


def _seconds(time: str) -> float | None:
    """Seconds of the day of a DICOM time, hhmmss.ffffff with what follows."""
    match = re.match(r"(\d\d)(\d\d)(\d\d(?:\.\d+)?)", time)
    return 3600.0 * int(match[1]) + 60.0 * int(match[2]) + float(match[3]) if match else None


def _text(data: Dataset, name: str) -> str:
    value = data.get(name)
    if value is None:
        return ""
    return "\\".join(map(str, value)) if isinstance(value, MultiValue) else str(value).strip()


def _numbers(value: Any, count: int) -> tuple[float, ...] | None:
    try:
        numbers = tuple(float(number) for number in value)
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None
