"""The tables of a survey tell what was counted."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from iunet_med.datasets import Problem, dataset_layout
from iunet_med.datasets.survey import survey_cases
from iunet_med.datasets.survey_tables import label_table, problem_table, survey_table

LAYOUT = dataset_layout("brats23")


def printed(table: Table) -> str:
    console = Console(width=160, force_terminal=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_cases_patients_spacings_orientations_and_labels_are_counted(
    tmp_path: Path, brats_case: Callable[..., Path]
) -> None:
    for name in ("p1-000", "p1-001", "p2-000"):
        brats_case(tmp_path, name, affine=np.diag([-1.0, 1.0, 1.0 + (name == "p2-000"), 1.0]))
    surveys = list(survey_cases(LAYOUT.find(tmp_path, labelled=True)[0], LAYOUT))
    rows = {
        line.split("│")[1].strip(): line.split("│")[2].strip()
        for line in printed(survey_table(surveys, LAYOUT)).splitlines()
        if "│" in line
    }
    assert rows["cases"] == "3"
    assert rows["patients"] == "2"
    assert rows["spacing (mm)"] == "1 x 1 x 1 (2), 1 x 1 x 2 (1)"
    assert rows["orientation"] == "LAS"
    assert rows["shape (voxels)"] == "22 x 24 x 20"
    labels = printed(label_table(surveys, LAYOUT))
    necrosis = sorted(survey.volumes_ml[1] for survey in surveys)
    line = next(line for line in labels.splitlines() if "TC, WT" in line and "ET" not in line)
    assert [cell.strip() for cell in line.strip("│ ").split("│")] == [
        "1",
        "TC, WT",
        "3",
        *(f"{v:.2f}" for v in necrosis),
    ]


def test_problems_come_sorted_by_case() -> None:
    text = printed(problem_table([Problem("b", "came b", "needed", "cure"), Problem("a", "came a", "needed", "cure")]))
    assert text.index("came a") < text.index("came b")
