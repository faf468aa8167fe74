"""Cases for training and inference: found in a folder or in a datalist, and checked before anything runs."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from iunet_med.datasets.datalist import read_datalist
from iunet_med.datasets.detect import fitting_layouts
from iunet_med.datasets.layouts import Case, Layout
from iunet_med.datasets.problems import DatasetError, Problem
from iunet_med.datasets.public import dataset_layout, layout_name
from iunet_med.datasets.selection import Found, choose_cases
from iunet_med.datasets.survey import CaseSurvey, survey_cases

logger = logging.getLogger(__name__)


def list_cases(
    dataset_dir: str,
    layout: Layout,
    *,
    labelled: bool = True,
    datalist: str = "",
    fold: int | None = None,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    reach: Sequence[int] = (1, 1, 1),
    zero_background: bool = False,
    empty_labels: bool = False,
) -> list[Case]:
    """List the cases of a folder or of a datalist, sorted by name, after checking every one.

    The files of a folder are read as a whole. Those of a datalist have been, when it was made, so that headers are
    enough. What is only doubtful is logged as warnings.

    Args:
        dataset_dir: the data set's folder.
        layout: what the folder looks like.
        labelled: whether each case needs a label.
        datalist: the path of a list that `iunet-med datalist` has written; its cases are taken instead of all.
        fold: the list's fold whose cases alone are taken: those that a training with this fold validates on.
        spacing: the spacing (mm, R A S axes) that the volumes will be resampled to.
        reach: the smallest volume (voxels at that spacing) that the network accepts.
        zero_background: whether the network knows only images that are zero outside the body (skull-stripped heads).
        empty_labels: whether a label map without any voxel is right, as of healthy controls; else it is taken for lost.

    Raises:
        DatasetError: names every case that cannot be used and why, all at once.
        ValueError: the cases have no such fold.
    """
    found = find_all(dataset_dir, layout, labelled=labelled, datalist=datalist)
    chosen = choose_cases(found, fold=fold)
    expected: dict[str, Any] = {"zero_background": zero_background, "empty_labels": empty_labels}
    return check_cases(chosen, layout, spacing=spacing, reach=reach, **expected)


def find_all(dataset_dir: str, layout: Layout, *, labelled: bool = True, datalist: str = "") -> Found:
    """Find the cases of a folder or of a datalist by names alone; the arguments are those of `list_cases`.

    Raises:
        DatasetError: there is no case at all, the folder has another layout, or the list cannot be read.
    """
    if datalist:
        root = Path(datalist)
        return Found(root, read_datalist(root, layout, dataset_dir=dataset_dir), [], unpacked=True)
    root = _existing(dataset_dir)
    cases, problems = find_cases(root, layout, labelled=labelled)
    return Found(root, cases, problems, unpacked=False)


def check_cases(
    found: Found,
    layout: Layout,
    *,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    reach: Sequence[int] = (1, 1, 1),
    zero_background: bool = False,
    empty_labels: bool = False,
) -> list[Case]:
    """Check the files of the cases that were found, as `list_cases` does, and return the cases sorted by name.

    Raises:
        DatasetError: names every case that cannot be used and why, all at once.
    """
    expected: dict[str, Any] = {"zero_background": zero_background, "empty_labels": empty_labels}
    looking = survey_cases(found.cases, layout, spacing=spacing, reach=reach, whole=not found.unpacked, **expected)
    surveys = list(tqdm(looking, total=len(found.cases), desc="checking the cases", delay=5, leave=False))
    problems = [*found.problems, *(problem for survey in surveys for problem in survey.problems)]
    for line in warning_lines(surveys):
        logger.warning(line)
    if problems:
        raise DatasetError(found.root, sorted(problems, key=lambda problem: problem.case))
    return sorted(found.cases, key=lambda case: str(case["case"]))


def warning_lines(surveys: Iterable[CaseSurvey]) -> list[str]:
    """Say each kind of doubt once: in how many cases, and of the first one what it is."""
    doubts: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for survey in surveys:
        for finding in survey.warnings:
            doubts[finding.check].append((str(survey.case["case"]), finding.message))
    return [
        f"{check}: {len({case for case, _ in found})} case(s), first {found[0][0]}: {found[0][1]}"
        for check, found in sorted(doubts.items())
    ]


def find_cases(root: Path, layout: Layout, *, labelled: bool) -> tuple[list[Case], list[Problem]]:
    """List the complete cases below `root`, and what is wrong with the others, by names alone.

    Raises:
        DatasetError: there is no case at all, or the folder has another layout.
    """
    cases, problems = layout.find(root, labelled=labelled)
    if labelled and layout == dataset_layout("files"):
        meaning = ", ".join(f"{name} = {'+'.join(map(str, values))}" for name, values in layout.regions.items())
        logger.warning(
            f"labels in {root} are taken for those of brats23, {meaning}; describe others by a layout of your own"
        )
    others = [] if cases else [name for name in fitting_layouts(root) if name != layout_name(layout)]
    if others and layout_name(layout):
        found = f"its files are those of {' and '.join(others)}, and no case fits {layout_name(layout)}"
        raise DatasetError(root, [Problem("layout", found, "the folder's own layout", f"choose {others[0]}, or auto")])
    if not cases and not problems:
        raise DatasetError(root, [Problem("data set", "no case was found", f"cases as in {layout}", "add cases")])
    return cases, problems


def _existing(dataset_dir: str) -> Path:
    if dataset_dir and Path(dataset_dir).is_dir():
        return Path(dataset_dir).resolve()
    found = f"got {dataset_dir!r}" if dataset_dir else "got no folder"
    raise DatasetError("dataset_dir", [Problem("data set", found, "an existing folder", "pass --dataset_dir FOLDER")])
