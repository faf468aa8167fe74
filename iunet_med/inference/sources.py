"""What the user points at, as a list of cases: a file, a folder of cases, a folder of DICOM, or a written list."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from iunet_med.data import Layout, NamedLayout
from iunet_med.data.kinds import fits, stem_of
from iunet_med.data.problems import say_which
from iunet_med.data.walk import walk
from iunet_med.inference.case_lists import WHOLE, read_rows
from iunet_med.inference.names import check_name, shown_name
from iunet_med.volumes import ENDINGS


@dataclass(frozen=True)
class Source:
    """One case to segment.

    Args:
        name: safe as a folder's name, and the case's own.
        files: for each modality its file, or `WHOLE` and one file.
        channels: the modalities of `WHOLE`'s channels; empty where they come in the network's order.
        series: for each modality its DICOM series, where it is not one of `files`.
        problem: why the case cannot be run; empty if it can.
        patient: the patient's number that DICOM files bear, for the user's own table alone; None for other files.
    """

    name: str
    files: Mapping[str, Path]
    channels: tuple[str, ...] = ()
    series: Mapping[str, Any] | None = None
    problem: str = ""
    patient: str | None = None


def list_sources(
    given: Path,
    layout: Layout,
    *,
    series: Mapping[str, str] | None = None,
    keep_identifiers: bool = False,
    on_left_out: Callable[[str, str], object] = lambda _path, _reason: None,
) -> list[Source]:
    """List the cases of a file, a folder, or a list in a .csv or .json file, sorted by name.

    Args:
        given: the path.
        layout: modalities, and what the folders of cases look like.
        series: for each modality the pattern of its DICOM series' description or, in a folder of files, of its file.
        keep_identifiers: whether DICOM cases are named by their patients' numbers.
        on_left_out: called with the path (below `given`) of each file in a folder of DICOM that is not used, and why.

    Raises:
        ValueError: there is nothing to run: no such path, no case, a list without the columns that are needed.
    """
    modalities = tuple(layout.modalities)
    if not given.exists():
        raise ValueError(f"{given} came, which does not exist; give a file, a folder of cases, or a list of them.")
    if given.suffix.lower() in (".csv", ".json"):
        sources = _listed(given, modalities)
    elif _is_dicom_file(given):
        from iunet_med.inference.dicom_sources import dicom_sources

        sources = dicom_sources(
            given, modalities, series=series or {}, keep_identifiers=keep_identifiers, on_left_out=on_left_out
        )
    elif given.is_file():
        sources = [_single(given)]
    elif series and maps_files(given, series):
        sources = _folder(given, mapped_layout(layout, series))
    elif series or (len(modalities) == 1 and not has_images(given)):
        from iunet_med.inference.dicom_sources import dicom_sources

        sources = dicom_sources(
            given, modalities, series=series or {}, keep_identifiers=keep_identifiers, on_left_out=on_left_out
        )
    else:
        sources = _folder(given, layout) if has_images(given) else []
    if not sources:
        raise ValueError(_no_case(given, modalities))
    return sorted((_safe(source) for source in _unique(sources)), key=lambda source: source.name)


def data_folder(given: Path, series: Mapping[str, str] | None) -> str:
    """The folder that a layout is to be found for, empty where `given` is something else or is told by patterns."""
    return str(given) if not series and given.is_dir() and has_images(given) else ""


def has_images(folder: Path) -> bool:
    """Whether a folder holds image files or a task of the Decathlon, and so no DICOM is looked for."""
    return (folder / "dataset.json").exists() or any(True for _ in _images(folder))


def maps_files(given: Path, patterns: Mapping[str, str]) -> bool:
    """Whether patterns of modalities mean the files of a folder, and not series of DICOM."""
    if not given.is_dir():
        return False
    images = list(_images(given))
    fitting = any(fits(path, pattern, given) for path in images for pattern in patterns.values())
    return bool(images) and (fitting or not _has_dicom(given))


def inputs_of(source: Source, root: Path) -> dict[str, str]:
    """Say for each modality what was taken for it: the file's path below `root`, or the key of the DICOM series."""
    roots = (root, root.resolve())
    files = {
        name: next((path.relative_to(base).as_posix() for base in roots if path.is_relative_to(base)), path.name)
        for name, path in source.files.items()
    }
    return files | {name: one.key for name, one in (source.series or {}).items()}


def mapped_layout(layout: Layout, patterns: Mapping[str, str]) -> NamedLayout:
    """A layout whose files are known by patterns, and where there is none by the field's names."""
    if unknown := [name for name in patterns if name not in layout.modalities]:
        raise ValueError(
            f"--map names {', '.join(unknown)}; the bundle's modalities are {', '.join(layout.modalities)}."
        )
    names = {name: patterns.get(name, "") for name in layout.modalities}
    return NamedLayout(modalities=names, regions=layout.regions)


def _no_case(given: Path, modalities: Sequence[str]) -> str:
    names = ", ".join(modalities)
    if given.is_dir() and _has_dicom(given):
        options = " ".join(f"--map {name}='PATTERN'" for name in modalities)
        return (
            f"{given} holds DICOM; needed: which series is which of {names}. Add {options} with patterns of their "
            "descriptions, or with their keys; `iunet-med segment FOLDER --list` shows them."
        )
    needed = f"needed: for each case one file per modality ({names})"
    return f"{given} holds no case; {needed}; {say_which(modalities[0], modalities)}."


def _single(path: Path) -> Source:
    return Source(stem_of(path.name), {WHOLE: path})


def _folder(root: Path, layout: Layout) -> list[Source]:
    only = len(layout.modalities) == 1 and not isinstance(layout, NamedLayout)
    if only and not (root / "dataset.json").exists():
        return [_single(path) for path in _images(root)]
    cases, problems = layout.find(root.resolve(), labelled=False)
    names = tuple(layout.modalities)
    faults: dict[str, list[str]] = defaultdict(list)
    for problem in problems:
        faults[problem.case].append(str(problem).removeprefix(f"{problem.case}: "))
    found = [
        Source(case["case"], {WHOLE: Path(case["image"])}, channels=tuple(case["modalities"]))
        if isinstance(case["image"], str)
        else Source(case["case"], dict(zip(names, map(Path, case["image"]), strict=True)))
        for case in cases
    ]
    return found + [Source(name, {}, problem="; ".join(texts)) for name, texts in faults.items()]


def _images(root: Path) -> Iterator[Path]:
    for folder, _, names in walk(root):
        yield from (folder / name for name in names if name.lower().endswith(ENDINGS))


def _has_dicom(root: Path) -> bool:
    others = (folder / name for folder, _, names in walk(root) for name in names if not name.lower().endswith(ENDINGS))
    return any(_is_dicom(path) for path in others)


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _is_dicom_file(path: Path) -> bool:
    return os.path.isfile(path) and not path.name.lower().endswith(ENDINGS) and _is_dicom(path)


def _listed(path: Path, modalities: Sequence[str]) -> list[Source]:
    rows = read_rows(path, modalities)
    sources = []
    for number, row in enumerate(rows, start=1):
        keys = [WHOLE] if row.get(WHOLE) else list(modalities)
        name = str(row.get("case") or "")
        missing = [key for key in keys if not isinstance(row.get(key), str) or not row[key]]
        problem = (
            f"entry {number} of {path.name} has no path for {', '.join(missing)}; write the file's path, from the "
            "list's folder on, there. `iunet-med segment FOLDER --list` prints a list with what it finds"
            if missing
            else ""
        )
        paths = {} if missing else {key: path.parent / row[key] for key in keys}
        sources.append(_with_series(Source(name, paths, problem=problem), modalities))
    return sources


def _with_series(source: Source, modalities: Sequence[str]) -> Source:
    """Take each path that is a folder, or a file of DICOM, as the DICOM series in it."""
    places = {key: path for key, path in source.files.items() if os.path.isdir(path) or _is_dicom_file(path)}
    if not places:
        return source
    from iunet_med.inference.dicom_sources import only_series

    files = {key: path for key, path in source.files.items() if key not in places}
    if WHOLE in places and len(modalities) > 1:
        problem = f"a DICOM series is one modality, not all; needed: a path for each of {', '.join(modalities)}"
        return replace(source, files=files, problem=problem)
    try:
        found = {modalities[0] if key == WHOLE else key: only_series(path) for key, path in places.items()}
        return replace(source, files=files, series=found, patient=next(iter(found.values())).patient_number)
    except ValueError as error:
        return replace(source, files=files, problem=str(error))


def _unique(sources: Sequence[Source]) -> list[Source]:
    """Fail all cases but the first of a name, as folders see it: some tell no upper from lower case."""
    seen: Counter[str] = Counter()
    result = []
    for source in sources:
        seen[source.name.casefold()] += 1
        if (count := seen[source.name.casefold()]) > 1:
            problem = f"several cases are named {source.name!a}; this is number {count}; give each its own name"
            source = replace(source, name=f"{source.name}-{count}-of-the-name", problem=problem)
        result.append(source)
    return result


def _safe(source: Source) -> Source:
    try:
        check_name(source.name)
    except ValueError as error:
        return replace(source, name=shown_name(source.name), problem=str(error))
    return source
