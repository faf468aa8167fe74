"""Scores are known numbers, and the file holds them."""

import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from iunet_med.datasets.organ_layout import ORGAN_MASKS
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


def test_a_mask_per_organ_is_scored_as_its_class(tmp_path: Path) -> None:
    """Masks of 3 and 5 voxels, the second laid over the first by one; the prediction misses one voxel of each."""
    masks = [np.zeros((10, 2, 2), np.uint8) for _ in range(2)]
    masks[0][:3, 0, 0] = masks[1][2:7, 0, 0] = 1
    paths = [str(tmp_path / name) for name in ("spleen.nii.gz", "liver.nii.gz")]
    for path, mask in zip(paths, masks, strict=True):
        nib.save(nib.Nifti1Image(mask, np.eye(4)), path)
    found = np.zeros((10, 2, 2), np.uint8)
    found[1:2, 0, 0], found[3:7, 0, 0] = 1, 2
    (tmp_path / "results").mkdir()
    nib.save(nib.Nifti1Image(found, np.eye(4)), tmp_path / "results" / "a.nii.gz")
    case = {"case": "a", "label": paths, ORGAN_MASKS: "[1, 2]"}
    scores = score_case(case, {"ours": tmp_path / "results"}, regions={"spleen": (1,), "liver": (2,)})
    assert [score.region for score in scores] == ["spleen", "liver"]
    assert [score.dice for score in scores] == pytest.approx([2 * 1 / (2 + 1), 2 * 4 / (5 + 4)])
    assert [score.sensitivity for score in scores] == pytest.approx([1 / 2, 4 / 5])
