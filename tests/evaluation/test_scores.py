"""Scores are known numbers, and the file holds them."""

import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from iunet_med.evaluation.scores import Score, score_case, write_scores

SCORES = [
    Score("a", "trained", "ET", 0.5, 1.0, 1.0, 2.0),
    Score("a", "trained", "WT", 0.75, 1.0, 1.0, 2.0),
    Score("b", "trained", "ET", 1.0, 1.0, 1.0, 2.0),
    Score("b", "trained", "WT", 0.25, 1.0, 1.0, 2.0),
    *(Score(case, "untrained", region, 0.0, 0.0, 1.0, 374.0) for case in "ab" for region in ("ET", "WT")),
]


def write_slab(path: Path, voxels: int) -> Path:
    labels = np.zeros((10, 2, 2), np.uint8)
    labels[:voxels] = 1
    path.parent.mkdir(exist_ok=True)
    nib.save(nib.Nifti1Image(labels, np.eye(4)), path)
    return path


def test_every_folder_is_scored(tmp_path: Path) -> None:
    truth = write_slab(tmp_path / "truth.nii.gz", 4)
    for folder, voxels in (("trained", 4), ("untrained", 8)):
        write_slab(tmp_path / folder / "a.nii.gz", voxels)
    folders = {name: tmp_path / name for name in ("trained", "untrained")}
    scores = score_case({"case": "a", "label": str(truth)}, folders, regions={"lesion": (1,)})
    assert scores == [
        Score("a", "trained", "lesion", 1.0, 1.0, 1.0, 0.0),
        Score("a", "untrained", "lesion", pytest.approx(2 * 4 / (4 + 8)), 1.0, pytest.approx(2 / 6), 4.0),
    ]


def test_file_holds_one_row_per_score(tmp_path: Path) -> None:
    write_scores(tmp_path / "new" / "dice.csv", SCORES)
    with (tmp_path / "new" / "dice.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    texts = ("case", "prediction", "region")
    assert [Score(**{k: v if k in texts else float(v) for k, v in row.items()}) for row in rows] == SCORES
