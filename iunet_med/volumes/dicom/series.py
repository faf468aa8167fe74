"""A series: the images of one volume, under a name that tells nobody whose they are."""

import hashlib
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path

from pydicom import Dataset, dcmread

from iunet_med.volumes.dicom.headers import Frame


@dataclass(frozen=True)
class Series:
    """The images of one volume.

    Args:
        key: an anonymous name that stays the same for the same files, wherever their folder lies.
        study: likewise for its study; the series of a case share it.
        patient: likewise for its patient, among those found together.
        description: the scanner's text, SeriesDescription. It may name the patient; it is never part of an error.
        modality: `CT`, `MR` or `PT`.
        files: sorted along the normal of the slices.
        protocol: the scanner's ProtocolName, to be treated as the description.
        frames: the images in the same order; a file can hold several.
        root: the folder that was searched; errors name files relative to it.
        number: the SeriesNumber, or empty.
        scan: what reconstructions of one scan share: frame of reference, and the acquisitions' numbers.
        start: when its first slice was scanned, seconds of the day; None if unknown.
        patient_number: the PatientID of the files, not to be shown unless it is asked for.
        headers: those of the files, without pixels, if they are at hand. They identify the patient.
    """

    key: str
    study: str
    patient: str
    description: str
    modality: str
    files: tuple[Path, ...]
    protocol: str = ""
    frames: tuple[Frame, ...] = ()
    root: Path = Path()
    number: str = field(default="", compare=False)
    scan: tuple[str, str] = field(default=("", ""), compare=False)
    start: float | None = field(default=None, compare=False)
    patient_number: str = field(default="", compare=False, repr=False)
    headers: Mapping[Path, Dataset] = field(default_factory=dict, compare=False, repr=False)

    @property
    def text(self) -> str:
        """The scanner's words for the series, to be treated as the description."""
        return self.description or self.protocol

    def name_of(self, path: Path) -> str:
        """Return a file's path below the folder that was searched."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.name

    def with_headers(self, contents: Mapping[Path, bytes]) -> "Series":
        """Return the series with its headers, unless one of the files' contents is damaged, which reading reports."""
        headers = {}
        with suppress(Exception), warnings.catch_warnings():  # a damaged file can raise anything
            warnings.simplefilter("ignore")  # pydicom quotes the values that it warns of
            headers = {path: dcmread(BytesIO(contents[path]), stop_before_pixels=True) for path in self.files}
        return replace(self, headers=headers)


def anonymous(prefix: str, *parts: object) -> str:
    """Name something by ten hexadecimal digits of a hash; one among 100,000 names collides by chance in 200 runs."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "surrogatepass"))
    return f"{prefix}-{digest.hexdigest()[:10]}"
