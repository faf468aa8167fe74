"""Splits by patient: all scans of a patient are on one side."""

from collections.abc import Iterable, Sequence

from monai.data import partition_dataset

from iunet_med.datasets.case_names import name_cases
from iunet_med.datasets.layouts import Case


def split_cases(
    cases: Sequence[Case], *, validation: float = 0.2, seed: int = 0, fold: int = 0
) -> tuple[list[Case], list[Case]]:
    """Split cases into training and validation.

    Cases that carry a `fold`, as those of a datalist, are validated on if it is the one asked for. Others are split by
    the patients' names and the seed, whatever the order of the cases, at least one patient on each side.

    Args:
        cases: as from `list_cases`; those without names are named by their files.
        validation: the share of patients to validate on, below 1. With 0, all cases are trained and validated on, and
            the score says nothing of other patients.
        seed: of the shuffling.
        fold: the number of the fold to validate on, from 0.

    Raises:
        ValueError: for fewer than two patients, or a fold without cases.
    """
    cases = name_cases(cases)
    if validation == 0:
        return list(cases), list(cases)
    if any("fold" in case for case in cases):
        held_out = _patients(case for case in cases if case.get("fold") == fold)
        if not held_out:
            raise ValueError(
                f"fold is {fold}, and no case of the datalist is in it; there are "
                f"{sorted({case['fold'] for case in cases if 'fold' in case})}: pass --fold N with one of them."
            )
    else:
        held_out = _draw(_patients(cases), validation=validation, seed=seed)
    return (
        [case for case in cases if case["patient"] not in held_out],
        [case for case in cases if case["patient"] in held_out],
    )


def assign_folds(cases: Sequence[Case], *, folds: int, seed: int = 0) -> list[Case]:
    """Give each case the number of the fold, from 0, in which it is validated on; the folds' patients differ.

    Raises:
        ValueError: for more folds than patients, or fewer than two.
    """
    patients = _patients(cases)
    if not 2 <= folds <= len(patients):
        raise ValueError(
            f"{folds} folds of {len(patients)} patients; expected two or more folds, each with a patient; ask for "
            "another number of folds, or add patients."
        )
    parts = partition_dataset(patients, num_partitions=folds, shuffle=True, seed=seed, even_divisible=False)
    number = {patient: fold for fold, part in enumerate(parts) for patient in part}
    return [{**case, "fold": number[case["patient"]]} for case in cases]


def _draw(patients: Sequence[str], *, validation: float, seed: int) -> list[str]:
    """Draw the patients to validate on."""
    if len(patients) < 2:
        raise ValueError(
            f"got {len(patients)} patient ({', '.join(patients)}); expected one to train and another to validate on; "
            "add patients, or pass --validation_fraction 0 to validate on the training cases."
        )
    held_out = min(max(1, round(validation * len(patients))), len(patients) - 1)
    _, drawn = partition_dataset(patients, ratios=[len(patients) - held_out, held_out], shuffle=True, seed=seed)
    return list(drawn)


def _patients(cases: Iterable[Case]) -> list[str]:
    return sorted({str(case["patient"]) for case in cases})
