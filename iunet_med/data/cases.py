"""Cases for training and inference: listed, checked before anything runs, and split by patient."""

from collections.abc import Sequence
from pathlib import Path

from monai.data import partition_dataset

from iunet_med.data.grids import AFFINE_TOLERANCE, Grid, read_grid
from iunet_med.data.layouts import Case, Layout
from iunet_med.data.problems import DatasetError, Problem


def list_cases(
    dataset_dir: str,
    layout: Layout,
    *,
    labelled: bool = True,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    reach: Sequence[int] = (1, 1, 1),
) -> list[Case]:
    """List the cases of a folder, sorted by name, after reading every file's header.

    Args:
        dataset_dir: the data set's folder.
        layout: what the folder looks like.
        labelled: whether each case needs a label.
        spacing: the spacing (mm, R A S axes) that the volumes will be resampled to.
        reach: the smallest volume (voxels at that spacing) that the network accepts.

    Raises:
        DatasetError: names every case that cannot be used and why, all at once.
    """
    if not dataset_dir or not Path(dataset_dir).is_dir():
        came = f"{dataset_dir!r} came" if dataset_dir else "no folder came"
        raise DatasetError(
            "dataset_dir", [Problem("data set", came, "an existing folder", "pass --dataset_dir FOLDER")]
        )
    root = Path(dataset_dir).resolve()
    cases, problems = layout.find(root, labelled=labelled)
    for case in cases:
        problems += check_case(case, layout, spacing=spacing, reach=reach)
    if not cases and not problems:
        problems.append(
            Problem("data set", "no case was found", f"cases as in {layout}", "choose the layout that fits")
        )
    if problems:
        raise DatasetError(root, sorted(problems, key=lambda problem: problem.case))
    return sorted(cases, key=lambda case: str(case["case"]))


def check_case(case: Case, layout: Layout, *, spacing: Sequence[float], reach: Sequence[int]) -> list[Problem]:
    """Read a case's headers and list what is wrong with them."""
    name = case["case"]
    grids, problems = _read_grids(case, channels=len(layout.modalities))
    if problems:
        return problems
    reference, *others = grids
    for path in others:
        if difference := grids[path].differs_from(grids[reference]):
            problems.append(
                Problem(
                    name,
                    f"{path} and {reference} lie on different grids, {difference}",
                    f"one grid per case (affines equal to {AFFINE_TOLERANCE})",
                    "register and resample the files to one of them",
                )
            )
    size = grids[reference].size_at(tuple(spacing))
    if any(n < smallest for n, smallest in zip(size, reach, strict=True)):
        problems.append(
            Problem(
                name,
                f"{size} voxels (R, A, S) at a spacing of {tuple(spacing)} mm",
                f"at least the network's reach, {tuple(reach)}",
                "give a smaller spacing, or a network with fewer levels",
            )
        )
    return problems


def _read_grids(case: Case, *, channels: int) -> tuple[dict[str, Grid], list[Problem]]:
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
            grids[path] = read_grid(path)
        except ValueError as error:
            cure = "copy the file again, or take the case away"
            problems.append(Problem(case["case"], str(error), "a complete NIfTI file", cure))
            continue
        if (shape := grids[path].shape)[3:] != more:
            axes = f"three axes and then {channels} channels" if more else "three axes"
            cure = "split, join or squeeze its channels"
            problems.append(Problem(case["case"], f"{path} has shape {shape}", axes, cure))
    return grids, problems


def split_cases(cases: Sequence[Case], *, validation: float = 0.2, seed: int = 0) -> tuple[list[Case], list[Case]]:
    """Split cases into training and validation, all scans of a patient on one side, at least one patient on each.

    The split depends on the patients' names and the seed, not on the order of the cases.

    Args:
        cases: as from `list_cases`.
        validation: the share of patients to validate on, below 1. With 0, all cases are trained and validated on, and
            the score says nothing of other patients.
        seed: of the shuffling.

    Raises:
        ValueError: for fewer than two patients.
    """
    if validation == 0:
        return list(cases), list(cases)
    patients = sorted({str(case["patient"]) for case in cases})
    if len(patients) < 2:
        raise ValueError(
            f"{len(patients)} patient came ({', '.join(patients)}); needed: one to train and another to validate on; "
            "add patients, or pass --validation_fraction 0 to validate on the training cases."
        )
    held_out = min(max(1, round(validation * len(patients))), len(patients) - 1)
    training, _ = partition_dataset(patients, ratios=[len(patients) - held_out, held_out], shuffle=True, seed=seed)
    return (
        [case for case in cases if case["patient"] in training],
        [case for case in cases if case["patient"] not in training],
    )
