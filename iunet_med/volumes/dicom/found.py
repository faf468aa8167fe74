"""The series below a folder, found by what the files say and not by their names."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from iunet_med.volumes.dicom.grouping import drop_copies, split_series
from iunet_med.volumes.dicom.headers import Frame, Header, NotAVolumeError, read_header
from iunet_med.volumes.dicom.series import Series, anonymous


@dataclass(frozen=True)
class LeftOut:
    """A file that belongs to no series, and why; the reason names no patient."""

    path: Path
    reason: str


@dataclass(frozen=True)
class FoundSeries:
    """What a folder holds: its series, sorted by key within their studies, and what is in none of them."""

    series: list[Series]
    left_out: list[LeftOut]


def find_series(root: str | Path, *, on_file: Callable[[], None] | None = None) -> FoundSeries:
    """Read the headers of all files at any depth, or of one file, and sort them into series.

    A series shares its SeriesInstanceUID (or, where that is empty, its folder and frame of reference), matrix,
    orientation, pixel spacing, image type and echo. Images at the same place are told apart by acquisition, time, echo
    time and b-value. DICOMDIR files are ignored, links are followed once.

    Args:
        root: a folder or one file.
        on_file: called after each file, for a progress bar.

    Raises:
        ValueError: if there is no such folder or file.
    """
    root = Path(root)
    if not root.exists():
        raise ValueError(f"there is no {root}; give a folder with DICOM files, or one of them.")
    folder = root if root.is_dir() else root.parent
    headers: list[Header] = []
    left_out: list[LeftOut] = []
    for path in _files(root, left_out):
        try:
            headers.append(read_header(path))
        except NotAVolumeError as error:
            left_out.append(LeftOut(path, str(error)))
        if on_file:
            on_file()
    patients = _patients(headers, folder)
    series: list[Series] = []
    for group in _by_identity(headers, folder).values():
        copies = drop_copies(group)
        left_out += [LeftOut(copy, f"is a copy of {kept.relative_to(folder)}") for copy, kept in copies.items()]
        originals = [header for header in group if header.path not in copies]
        for frames in split_series(frame for header in originals for frame in header.frames):
            if len(frames) > 1:
                own = {frame.path for frame in frames}
                series.append(_series([one for one in originals if one.path in own], frames, folder, patients))
            else:
                left_out.append(LeftOut(frames[0].path, "is a single image; a volume needs two slices or more"))
    return FoundSeries(
        sorted(series, key=lambda one: (one.study, one.key)), sorted(left_out, key=lambda item: item.path)
    )


def _files(root: Path, left_out: list[LeftOut]) -> Iterator[Path]:
    """Yield the files from `root` down; a folder that several links lead to is entered once, so loops end."""
    if root.is_file():
        yield root
        return
    entered = set()
    walk = os.walk(root, followlinks=True, onerror=lambda error: left_out.append(_unlisted(error)))
    for folder, subfolders, names in walk:
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in entered:
            subfolders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        subfolders.sort()
        yield from (Path(folder, name) for name in sorted(names) if name.upper() != "DICOMDIR")


def _unlisted(error: OSError) -> LeftOut:
    return LeftOut(Path(error.filename), f"is a folder that cannot be listed ({error.strerror})")


def _by_identity(headers: list[Header], root: Path) -> dict[tuple[str, ...], list[Header]]:
    groups = defaultdict(list)
    for header in headers:
        place = () if header.series else (*header.place, _folder(header, root))
        identity = (header.patient[0], header.study, header.series, *place)
        groups[identity].append(header)
    return groups


def _folder(header: Header, root: Path) -> str:
    return header.frames[0].path.parent.relative_to(root).as_posix()


def _study(header: Header, root: Path) -> str:
    return header.study or f"folder {_folder(header, root)}"


def _person(header: Header, root: Path) -> tuple[str, ...]:
    number, issuer, name, birth = header.patient
    return (number, issuer) if number else (name, birth) if name else ("", _study(header, root))


def _patients(headers: list[Header], root: Path) -> dict[tuple[str, ...], str]:
    """Name each patient by the first of their studies; the hash of a short patient number could be undone."""
    studies = defaultdict(set)
    for header in headers:
        studies[_person(header, root)].add(_study(header, root))
    return {person: anonymous("patient", min(found)) for person, found in studies.items()}


def _series(headers: Sequence[Header], frames: list[Frame], root: Path, patients: dict[tuple[str, ...], str]) -> Series:
    header = headers[0]
    starts = [one.start for one in headers if one.start is not None]
    acquisitions = sorted({frame.repeat[0] for frame in frames})
    study = _study(header, root)
    first = replace(frames[0], path=Path(), index=None)
    return Series(
        key=anonymous("series", study, header.series or _folder(header, root), first),
        study=anonymous("study", study),
        patient=patients[_person(header, root)],
        description=header.description,
        modality=header.modality,
        files=tuple(dict.fromkeys(frame.path for frame in frames)),
        protocol=header.protocol,
        frames=tuple(frames),
        root=root,
        number=header.place[1],
        scan=(header.place[0], " ".join(acquisitions)),
        start=min(starts, default=None),
        patient_number=header.patient[0],
    )
