"""What the user points at, as a list of cases: a file, a folder of cases, a folder of DICOM, or a written list."""

import csv
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from iunet_med.data import Layout
from iunet_med.evaluation.csv_rows import read_cell
from iunet_med.inference.names import check_name, shown_name

ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha")
WHOLE = "image"
"""The key of a file that holds all modalities as channels, in the network's order or in that of `channels`."""


@dataclass(frozen=True)
class Source:
    """One case to segment.

    Args:
        name: safe as a folder's name, and the case's own.
        files: for each modality its file, or `WHOLE` and one file.
        channels: the modalities of `WHOLE`'s channels; empty where they come in the network's order.
        series: for each modality its DICOM series, where it is not one of `files`.
        problem: why the case cannot be run; empty if it can.
    """

    name: str
    files: Mapping[str, Path]
    channels: tuple[str, ...] = ()
    series: Mapping[str, Any] | None = None
    problem: str = ""


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
        series: for each modality the pattern of its DICOM series' description; then `given` is a folder of DICOM.
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
    elif given.is_file():
        sources = [_single(given)]
    elif series or (len(modalities) == 1 and not has_images(given)):
        from iunet_med.inference.dicom_sources import dicom_sources

        sources = dicom_sources(
            given, modalities, series=series or {}, keep_identifiers=keep_identifiers, on_left_out=on_left_out
        )
    else:
        sources = _folder(given, layout) if has_images(given) else []
    if not sources:
        raise ValueError(
            f"{given} holds no case; needed: cases as in {layout}, or a list of them; for DICOM give a pattern per "
            f"modality, as in --map {modalities[0]}='*'."
        )
    return sorted((_safe(source) for source in _unique(sources)), key=lambda source: source.name)


def has_images(folder: Path) -> bool:
    """Whether a folder holds image files or a task of the Decathlon, and so no DICOM is looked for."""
    return (folder / "dataset.json").exists() or any(True for _ in _images(folder))


def case_name(path: Path) -> str:
    """A file's name without the ending of its format."""
    ending = next((ending for ending in ENDINGS if path.name.lower().endswith(ending)), path.suffix)
    return path.name[: len(path.name) - len(ending)]


def _single(path: Path) -> Source:
    return Source(case_name(path), {WHOLE: path})


def _folder(root: Path, layout: Layout) -> list[Source]:
    if len(layout.modalities) == 1 and not (root / "dataset.json").exists():
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
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from (
            Path(folder, name) for name in sorted(names) if name.lower().endswith(ENDINGS) and not name.startswith(".")
        )


def _listed(path: Path, modalities: Sequence[str]) -> list[Source]:
    rows = _rows(path)
    sources = []
    for number, row in enumerate(rows, start=1):
        keys = [WHOLE] if row.get(WHOLE) else list(modalities)
        name = str(row.get("case") or "")
        missing = [key for key in keys if not isinstance(row.get(key), str) or not row[key]]
        problem = f"entry {number} of {path.name} has no path for {', '.join(missing)}" if missing else ""
        paths = {} if missing else {key: path.parent / row[key] for key in keys}
        sources.append(_with_series(Source(name, paths, problem=problem)))
    return sources


def _with_series(source: Source) -> Source:
    """Take each path that is a folder as the DICOM series in it."""
    folders = {key: path for key, path in source.files.items() if path.is_dir()}
    if not folders:
        return source
    from iunet_med.inference.dicom_sources import only_series

    files = {key: path for key, path in source.files.items() if key not in folders}
    try:
        return replace(source, files=files, series={key: only_series(path) for key, path in folders.items()})
    except ValueError as error:
        return replace(source, files=files, problem=str(error))


def _rows(path: Path) -> list[Mapping[str, Any]]:
    try:
        if path.suffix.lower() == ".csv":
            with path.open(newline="", encoding="utf-8-sig") as file:
                rows: Any = [{key: read_cell(cell) for key, cell in row.items()} for row in csv.DictReader(file)]
        else:
            rows = json.loads(path.read_text(encoding="utf-8"))
            rows = rows.get("cases") if isinstance(rows, dict) else rows
    except (OSError, ValueError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read as a list of cases: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "case" in row for row in rows):
        raise ValueError(
            f"{path} is no list of cases; needed: one entry per case with `case`, its name, and one path per modality, "
            f"or `{WHOLE}`, one file for all; paths start from the list's folder."
        )
    return rows


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
