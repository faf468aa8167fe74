"""Looks at every file of a data set before anything runs: grids, label volumes, and what is wrong with which case."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from iunet_med.data.labels import label_problems, read_label_volumes
from iunet_med.data.layouts import Case, Layout
from iunet_med.data.problems import Problem
from iunet_med.volumes.grid import AFFINE_TOLERANCE, Grid, read_grid


@dataclass(frozen=True)
class CaseSurvey:
    """What a case's files say.

    Args:
        case: the case.
        grid: that of its first image, if it could be read.
        volumes_ml: the volume of each value of the label map but 0, where it was read.
        problems: what is wrong.
    """

    case: Case
    grid: Grid | None
    volumes_ml: Mapping[float, float] = field(default_factory=dict)
    problems: Sequence[Problem] = ()


def survey_cases(
    cases: Sequence[Case],
    layout: Layout,
    *,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    reach: Sequence[int] = (1, 1, 1),
    whole: bool = True,
) -> Iterator[CaseSurvey]:
    """Survey one case after another, in their order, several at a time; see `survey_case`."""
    look: Callable[[Case], CaseSurvey] = partial(survey_case, layout=layout, spacing=spacing, reach=reach, whole=whole)
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        yield from pool.map(look, cases)


def survey_case(
    case: Case, layout: Layout, *, spacing: Sequence[float], reach: Sequence[int], whole: bool = True
) -> CaseSurvey:
    """Read a case's files and list what is wrong with them.

    Args:
        case: paths and names, as a layout finds them.
        layout: says how many channels are needed and which label values are known.
        spacing: the spacing (mm, R A S axes) that the volumes will be resampled to.
        reach: the smallest volume (voxels at that spacing) that the network accepts.
        whole: whether to unpack all files and read the label's values; without, headers are read alone.
    """
    name = case["case"]
    grids, problems = _read_grids(case, channels=len(layout.modalities), whole=whole)
    grid = next(iter(grids.values()), None)
    if problems or grid is None:
        return CaseSurvey(case, grid, problems=problems)
    reference, *others = grids
    for path in others:
        if difference := grids[path].differs_from(grid):
            came = f"{path} and {reference} lie on different grids, {difference}"
            cure = "register and resample the files to one of them"
            problems.append(Problem(name, came, f"one grid per case (affines equal to {AFFINE_TOLERANCE})", cure))
    size = grid.size_at(tuple(spacing))
    if any(n < smallest for n, smallest in zip(size, reach, strict=True)):
        came = f"{size} voxels (R, A, S) at a spacing of {tuple(spacing)} mm"
        cure = "give a smaller spacing, or a network with fewer levels"
        problems.append(Problem(name, came, f"at least the network's reach, {tuple(reach)}", cure))
    volumes = read_label_volumes(case["label"]) if whole and "label" in case else {}
    if whole and "label" in case:
        problems += label_problems(name, volumes, layout.regions)
    return CaseSurvey(case, grid, volumes, problems)


def _read_grids(case: Case, *, channels: int, whole: bool) -> tuple[dict[str, Grid], list[Problem]]:
    stacked = isinstance(case["image"], str)
    needed: dict[str, tuple[int, ...]] = dict.fromkeys([case["image"]] if stacked else case["image"], ())
    if stacked and channels > 1:
        needed[case["image"]] = (channels,)
    if "label" in case:
        needed[case["label"]] = ()
    grids: dict[str, Grid] = {}
    problems = []
    for path, more in needed.items():
        try:
            grids[path] = read_grid(path, whole=whole)
        except ValueError as error:
            cure = "copy the file again, or take the case away"
            problems.append(Problem(case["case"], str(error), "a complete NIfTI file", cure))
            continue
        if (shape := grids[path].shape)[3:] != more:
            axes = f"three axes and then {channels} channels" if more else "three axes"
            cure = "split, join or squeeze its channels"
            problems.append(Problem(case["case"], f"{path} has shape {shape}", axes, cure))
    return grids, problems
