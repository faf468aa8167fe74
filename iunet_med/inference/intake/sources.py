"""What the user points at, as a list of cases: a file, a folder of cases, a folder of DICOM, or a written list."""

import os.path
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from iunet_med.datasets import Layout, NamedLayout, OrganLayout
from iunet_med.datasets.kinds import stem_of
from iunet_med.datasets.problems import say_which
from iunet_med.inference.intake.case_lists import WHOLE, read_rows
from iunet_med.inference.intake.contents import has_dicom, has_images, images_in, is_dicom_file, maps_files
from iunet_med.inference.intake.names import check_name, shown_name
from iunet_med.inference.intake.source import Source


def list_sources(
    given: Path,
    layout: Layout,
    *,
    series: Mapping[str, str] | None = None,
    allow_missing: Sequence[str] = (),
    which_series: str = "all",
    keep_identifiers: bool = False,
    on_left_out: Callable[[str, str], object] = lambda _path, _reason: None,
) -> list[Source]:
    """List the cases of a file, a folder, or a list in a .csv or .json file, sorted by name.

    Args:
        given: the path.
        layout: modalities, and what the folders of cases look like.
        series: for each modality the pattern of its DICOM series' description or, in a folder of files, of its file.
        allow_missing: modalities that a case may lack.
        which_series: `all`, `thinnest` or a pattern, as in `iunet_med.volumes.dicom.choose_series`.
        keep_identifiers: whether DICOM cases are named by their patients' numbers.
        on_left_out: called with the path (below `given`) of each file or series in a folder of DICOM that is not used,
            and why.

    Raises:
        ValueError: there is nothing to run: no such path, no case, a list without the columns that are needed, an
            unknown modality.
    """
    modalities = tuple(layout.modalities)
    _check_optional(allow_missing, modalities)
    if not given.exists():
        raise ValueError(f"There is no {given}; give a file, a folder of cases, or a list of them.")
    if given.suffix.lower() in (".csv", ".json"):
        sources = _listed(given, modalities, allow_missing)
    elif _is_dicom(given, modalities, series or {}):
        from iunet_med.inference.intake.dicom_sources import dicom_sources  # pydicom takes a while

        sources = dicom_sources(
            given,
            modalities,
            series=series or {},
            allow_missing=allow_missing,
            rule=which_series,
            keep_identifiers=keep_identifiers,
            on_left_out=on_left_out,
        )
    elif given.is_file():
        sources = [_single(given)]
    elif series or allow_missing:
        sources = _folder(given, replace(mapped_layout(layout, series or {}), optional=tuple(allow_missing)))
    else:
        sources = _folder(given, layout) if has_images(given) else []
    if not sources:
        raise ValueError(_no_case(given, modalities))
    return sorted((_safe(source) for source in _unique(sources)), key=lambda source: source.name)


def _is_dicom(given: Path, modalities: Sequence[str], series: Mapping[str, str]) -> bool:
    """Return True for a file of DICOM, and for a folder whose series are the cases."""
    if given.is_file():
        return is_dicom_file(given)
    return not maps_files(given, series) if series else len(modalities) == 1 and not has_images(given)


def _check_optional(allow_missing: Sequence[str], modalities: Sequence[str]) -> None:
    unknown = [name for name in allow_missing if name not in modalities]
    if unknown or set(allow_missing) == set(modalities):
        found = f"unknown {', '.join(unknown)}" if unknown else "all of them"
        raise ValueError(f"--allow-missing: expected some of {', '.join(modalities)}, but not all, found {found}.")


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
    if given.is_dir() and has_dicom(given):
        options = " ".join(f"--map {name}='PATTERN'" for name in modalities)
        return (
            f"{given} holds DICOM; say which series is which of {names}. Add {options} with patterns of their "
            "descriptions, or with their keys; `iunet-med segment FOLDER --list` shows them."
        )
    needed = f"expected for each case one file per modality ({names})"
    return f"{given} holds no case; {needed}; {say_which(modalities[0], modalities)}."


def _single(path: Path) -> Source:
    return Source(stem_of(path.name), {WHOLE: path})


def _folder(root: Path, layout: Layout) -> list[Source]:
    only = len(layout.modalities) == 1 and not isinstance(layout, NamedLayout | OrganLayout)
    if only and not (root / "dataset.json").exists():
        return [_single(path) for path in images_in(root)]
    cases, problems = layout.find(root.resolve(), labelled=False)
    names = tuple(layout.modalities)
    faults: dict[str, list[str]] = defaultdict(list)
    for problem in problems:
        faults[problem.case].append(str(problem).removeprefix(f"{problem.case}: "))
    found = [
        Source(case["case"], {WHOLE: Path(case["image"])}, channels=tuple(case["modalities"]))
        if isinstance(case["image"], str)
        else Source(case["case"], dict(zip(case.get("modalities", names), map(Path, case["image"]), strict=True)))
        for case in cases
    ]
    return found + [Source(name, {}, problem="; ".join(texts)) for name, texts in faults.items()]


def _listed(path: Path, modalities: Sequence[str], allow_missing: Sequence[str]) -> list[Source]:
    rows = read_rows(path, modalities)
    sources = []
    for number, row in enumerate(rows, start=1):
        keys = [WHOLE] if row.get(WHOLE) else list(modalities)
        name = str(row.get("case") or "")
        absent = [key for key in keys if not isinstance(row.get(key), str) or not row[key]]
        missing = [key for key in absent if key not in allow_missing or absent == keys]
        problem = (
            f"entry {number} of {path.name} has no path for {', '.join(missing)}; write the file's path, from the "
            "list's folder on, there. `iunet-med segment FOLDER --list` prints a list with what it finds"
            if missing
            else ""
        )
        paths = {} if missing else {key: path.parent / row[key] for key in keys if key not in absent}
        sources.append(_with_series(Source(name, paths, problem=problem), modalities))
    return sources


def _with_series(source: Source, modalities: Sequence[str]) -> Source:
    """Take each path that is a folder, or a file of DICOM, as the DICOM series in it."""
    places = {key: path for key, path in source.files.items() if os.path.isdir(path) or is_dicom_file(path)}
    if not places:
        return source
    from iunet_med.inference.intake.dicom_sources import only_series

    files = {key: path for key, path in source.files.items() if key not in places}
    if WHOLE in places and len(modalities) > 1:
        problem = f"a DICOM series is one modality, not all; expected a path for each of {', '.join(modalities)}"
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
