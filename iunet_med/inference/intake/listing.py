"""What `segment` would take for what, before anything runs: cases, files and guesses, and the series of DICOM."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iunet_med.datasets import DatasetError, Layout, dataset_layout
from iunet_med.datasets.names import kind_of, split_name
from iunet_med.datasets.public import layout_name
from iunet_med.inference.bundle import open_layout
from iunet_med.inference.intake.contents import data_folder, has_images, maps_files
from iunet_med.inference.intake.source import Source
from iunet_med.inference.intake.sources import list_sources, mapped_layout

if TYPE_CHECKING:
    from iunet_med.volumes.dicom import Series


@dataclass(frozen=True)
class ListedCase:
    """A case, and for each modality what was found: one file or series, or several candidates.

    `others` are images that nothing is known of.
    """

    name: str
    found: Mapping[str, tuple[Path | str, ...]]
    others: tuple[Path, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class ListedSeries:
    """A series of DICOM.

    `guess` is the modality that its description means, if any; the description may name the patient. `folder` is the
    one that holds its files and no other series, if there is one: a list of cases can name the series by it.
    """

    study: str
    key: str
    kind: str
    size: tuple[int, int, int]
    description: str
    guess: str
    folder: Path | None = None


@dataclass(frozen=True)
class Listing:
    """What a path holds; `problem` is why there are no cases at all."""

    root: Path
    modalities: tuple[str, ...]
    layout: str
    cases: tuple[ListedCase, ...]
    series: tuple[ListedSeries, ...]
    problem: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether every case can be run, as far as names tell."""
        return not self.problem and not any(case.problem for case in self.cases)


def list_inputs(
    given: str | Path,
    *,
    bundle: str | Path,
    configs: Sequence[str | Path] = (),
    settings: Mapping[str, Any] | None = None,
    series: Mapping[str, str] | None = None,
    allow_missing: Sequence[str] = (),
    which_series: str = "all",
    trust: bool = False,
) -> Listing:
    """List the cases of a path with the files or series that would be taken, and what is missing; nothing is written.

    The arguments are those of `segment`.

    Raises:
        ValueError: no such path, no bundle, or a config that could run code.
    """
    path = Path(given).resolve()
    if not path.exists():
        raise ValueError(f"There is no {path}; give a file, a folder of cases, or a list of them.")
    problem = ""
    try:
        folder = data_folder(path, series)
        layout = open_layout(bundle, configs=configs, settings=settings, dataset_dir=folder, trust=trust)
    except DatasetError as error:  # of the folder, whose files are listed all the same
        layout, problem = dataset_layout("files"), str(error)
    cases, reason = _cases(path, layout, series or {}, allow_missing, which_series)
    found = _series(path, layout) if _is_dicom(path, series or {}) else []
    return Listing(
        root=path if path.is_dir() else path.parent,
        modalities=tuple(layout.modalities),
        layout="DICOM" if found else layout_name(layout) or type(layout).__name__,
        cases=tuple(cases or _studies(found)),
        series=tuple(found),
        problem=problem or reason,
    )


def _cases(
    path: Path, layout: Layout, patterns: Mapping[str, str], allow_missing: Sequence[str], which_series: str
) -> tuple[list[ListedCase], str]:
    guessed = _guesses(path, layout, patterns) if path.is_dir() and len(layout.modalities) > 1 else {}
    try:
        sources = list_sources(path, layout, series=patterns, allow_missing=allow_missing, which_series=which_series)
    except ValueError as error:
        return list(guessed.values()), str(error)
    return [_listed(source, guessed) for source in sources], ""


def _guesses(root: Path, layout: Layout, patterns: Mapping[str, str]) -> dict[str, ListedCase]:
    """For each case's name what its files are by the field's names."""
    plain = mapped_layout(layout, patterns if maps_files(root, patterns) else {})
    found = {}
    for group in plain.groups(root):
        taken = {name: tuple(group.taken[name]) for name in layout.modalities if name in group.taken}
        found[group.name] = ListedCase(group.name, taken, tuple(group.others), "its files do not tell all modalities")
    return found


def _listed(source: Source, guessed: Mapping[str, ListedCase]) -> ListedCase:
    found: dict[str, tuple[Path | str, ...]] = {name: (path,) for name, path in source.files.items()}
    for name, one in (source.series or {}).items():
        found[name] = (one.key,)
    if source.problem:
        guess = guessed.get(source.name, ListedCase(source.name, {}))
        return ListedCase(source.name, {**guess.found, **found}, guess.others, source.problem)
    absent = [str(path) for path in source.files.values() if not path.exists()]
    return ListedCase(source.name, found, problem=f"no such file: {', '.join(absent)}" if absent else "")


def _is_dicom(path: Path, patterns: Mapping[str, str]) -> bool:
    return path.is_dir() and not maps_files(path, patterns) if patterns else path.is_dir() and not has_images(path)


def _series(root: Path, layout: Layout) -> list[ListedSeries]:
    from iunet_med.volumes.dicom import find_series  # pydicom takes a while

    found = find_series(root).series
    listed = []
    for one in found:
        text = one.description or one.protocol
        kind = kind_of(split_name(text).words)
        size = (*one.frames[0].size, len(one.frames)) if one.frames else (0, 0, len(one.files))
        guess = kind if kind in layout.modalities else ""
        listed.append(ListedSeries(one.study, one.key, one.modality, size, text, guess or "", _own_folder(one, found)))
    return sorted(listed, key=lambda one: (one.study, one.key))


def _own_folder(one: "Series", found: Sequence["Series"]) -> Path | None:
    folder = one.files[0].parent
    below = {other.key for other in found if any(path.is_relative_to(folder) for path in other.files)}
    return folder if below == {one.key} and all(path.is_relative_to(folder) for path in one.files) else None


def _studies(series: Sequence[ListedSeries]) -> list[ListedCase]:
    """Each study as a case, with the series whose descriptions mean a modality."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in series:
        found[one.study][one.guess].append(one.key)
    problem = "which series is which is not said"
    return [
        ListedCase(study, {name: tuple(keys) for name, keys in guesses.items() if name}, problem=problem)
        for study, guesses in found.items()
    ]
