"""Looks at every file of a data set before anything runs: grids, voxels, label volumes, and what is wrong where."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iunet_med.checks.contrast import check_contrast
from iunet_med.checks.file import read_checked, read_finite
from iunet_med.checks.finding import Finding
from iunet_med.checks.header import check_nifti_header
from iunet_med.datasets.labels import label_problems, label_volumes
from iunet_med.datasets.layouts import Case, Layout
from iunet_med.datasets.organ_labels import read_organs
from iunet_med.datasets.organ_layout import ORGAN_MASKS, ORGAN_VALUES, layout_modality
from iunet_med.datasets.problems import Problem
from iunet_med.volumes import AFFINE_TOLERANCE, Grid, Volume, read_header

Check = Callable[[str], tuple[Volume, list[Finding]]]


@dataclass(frozen=True)
class CaseSurvey:
    """What a case's files say.

    Args:
        case: the case.
        grid: that of its first image, if it could be read.
        volumes_ml: the volume of each value of the label map but 0, where it was read.
        problems: what is wrong; the case cannot be used.
        warnings: what is doubtful; each begins with the file's name.
    """

    case: Case
    grid: Grid | None = None
    volumes_ml: Mapping[float, float] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    warnings: Sequence[Finding] = ()


def survey_cases(
    cases: Sequence[Case],
    layout: Layout,
    *,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    reach: Sequence[int] = (1, 1, 1),
    whole: bool = True,
    zero_background: bool = False,
    empty_labels: bool = False,
) -> Iterator[CaseSurvey]:
    """Survey one case after another, in their order, several at a time; see `survey_case`."""
    look: Callable[[Case], CaseSurvey] = partial(
        survey_case,
        layout=layout,
        spacing=spacing,
        reach=reach,
        whole=whole,
        zero_background=zero_background,
        empty_labels=empty_labels,
    )
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        yield from pool.map(look, cases)


def survey_case(
    case: Case,
    layout: Layout,
    *,
    spacing: Sequence[float],
    reach: Sequence[int],
    whole: bool = True,
    zero_background: bool = False,
    empty_labels: bool = False,
) -> CaseSurvey:
    """Read a case's files and list what their checks find, as `iunet-med segment` does.

    Args:
        case: paths and names, as a layout finds them.
        layout: says how many channels are expected and which label values are known.
        spacing: the spacing (mm, R A S axes) that the volumes will be resampled to.
        reach: the smallest volume (voxels at that spacing) that the network accepts.
        whole: whether to read all voxels; without, headers are read alone.
        zero_background: as in `check_volume`.
        empty_labels: whether a label map without any voxel is right.
    """
    images = [case["image"]] if isinstance(case["image"], str) else case["image"]
    channels = len(layout.modalities) if isinstance(case["image"], str) else 1
    check = partial(read_checked, modality=layout_modality(layout), channels=channels, zero_background=zero_background)
    looks = [_look(path, check, channels=channels, whole=whole) for path in images]
    organs = ORGAN_VALUES in case or ORGAN_MASKS in case
    if organs:
        looks.append(_look_at_organs(case, whole=whole))
    elif "label" in case:
        looks.append(_look_at_label(case["label"], whole=whole))
    name, grid = case["case"], looks[0].grid
    warnings = [finding for look in looks for finding in look.findings if finding.level == "warning"]
    problems = [Problem(name, text) for look in looks for text in look.faults]
    if problems or grid is None:
        return CaseSurvey(case, grid, problems=problems, warnings=warnings)
    problems += _other_grids(name, looks) + _too_small(name, grid, spacing=spacing, reach=reach)
    if whole and zero_background and not problems:
        warnings += _contrast(case, looks[: len(images)])
    volumes = looks[-1].volumes_ml
    if whole and "label" in case and not organs and (volumes or not empty_labels):  # a CT may show none of the organs
        problems += label_problems(name, volumes, layout.regions)
    return CaseSurvey(case, grid, volumes, problems, warnings)


@dataclass(frozen=True)
class _Look:
    """What one file says: its grid if it can be read, and the findings of its checks, after the file's name."""

    path: str
    grid: Grid | None = None
    findings: Sequence[Finding] = ()
    error: str = ""
    volumes_ml: Mapping[float, float] = field(default_factory=dict)
    array: NDArray[Any] | None = None

    @property
    def faults(self) -> list[str]:
        refused = [finding.message for finding in self.findings if finding.level == "refusal"]
        return [*([self.error] if self.error else []), *refused]


def _look(path: str, check: Check = read_finite, *, channels: int, whole: bool) -> _Look:
    try:
        if whole:
            volume, found = check(path)
            grid, array = volume.grid, volume.array
        else:
            (grid, header), array = read_header(path), None
            found = check_nifti_header(header) if header is not None else []
    except ValueError as error:
        return _Look(path, error=_unreadable(path, error))
    if fault := _wrong_shape(path, grid, channels=channels):
        return _Look(path, error=fault)
    return _Look(path, grid, _named(found, path), array=array)


def _look_at_label(path: str, *, whole: bool) -> _Look:
    try:
        if not whole:
            return _look(path, channels=1, whole=False)
        volume, found = read_finite(path)
    except ValueError as error:
        return _Look(path, error=_unreadable(path, error))
    if fault := _wrong_shape(path, volume.grid, channels=1):
        return _Look(path, error=fault)
    if any(finding.level == "refusal" for finding in found):
        return _Look(path, volume.grid, _named(found, path))
    return _Look(path, volume.grid, _named(found, path), volumes_ml=label_volumes(volume))


def _look_at_organs(case: Case, *, whole: bool) -> _Look:
    """Look at the label of a case of an `OrganLayout`; volumes are those of the classes."""
    path = case["label"] if isinstance(case["label"], str) else case["label"][0]
    if not whole:
        return _look(path, channels=1, whole=False)
    try:
        volume, found = read_organs(case)
    except ValueError as error:
        return _Look(path, error=_unreadable(path, error))
    if fault := _wrong_shape(path, volume.grid, channels=1):
        return _Look(path, error=fault)
    return _Look(path, volume.grid, _named(found, path), volumes_ml=label_volumes(volume))


def _unreadable(path: str, error: ValueError) -> str:
    text = str(error).rstrip(".")
    return f"{text if Path(path).name in text else f'{path}: {text}'}; expected a complete image file; copy it again"


def _wrong_shape(path: str, grid: Grid, *, channels: int) -> str:
    if grid.shape[3:] == ((channels,) if channels > 1 else ()):
        return ""
    axes = f"three axes and then {channels} channels" if channels > 1 else "three axes"
    return f"{path} has shape {grid.shape}; expected {axes}; split, join or squeeze its channels"


def _contrast(case: Case, images: Sequence[_Look]) -> list[Finding]:
    arrays = [np.asarray(look.array, np.float32) for look in images]
    channels = np.moveaxis(arrays[0], -1, 0) if arrays[0].ndim == 4 else np.stack(arrays)
    return check_contrast(channels, list(case["modalities"]))


def _named(findings: Sequence[Finding], path: str) -> list[Finding]:
    return [Finding(finding.level, finding.check, f"{path}: {finding.message}") for finding in findings]


def _other_grids(name: str, looks: Sequence[_Look]) -> list[Problem]:
    reference, *others = looks
    problems = []
    for other in others:
        if reference.grid and other.grid and (difference := other.grid.differs_from(reference.grid)):
            found = f"{other.path} and {reference.path} lie on different grids, {difference}"
            cure = "register and resample the files to one of them"
            problems.append(Problem(name, found, f"one grid per case (affines equal to {AFFINE_TOLERANCE})", cure))
    return problems


def _too_small(name: str, grid: Grid, *, spacing: Sequence[float], reach: Sequence[int]) -> list[Problem]:
    size = grid.size_at(tuple(spacing))
    if all(n >= smallest for n, smallest in zip(size, reach, strict=True)):
        return []
    found = f"{size} voxels (R, A, S) at a spacing of {tuple(spacing)} mm"
    cure = "give a smaller spacing, or a network with fewer levels"
    return [Problem(name, found, f"at least the network's reach, {tuple(reach)}", cure)]
