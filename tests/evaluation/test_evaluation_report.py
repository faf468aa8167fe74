"""The evaluation config writes and prints what its segmentations score, alone and over the training config."""

import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from typer.testing import CliRunner

from iunet_med.cli import app

CONFIGS = Path(__file__).parents[2] / "bundle" / "iunet_brats_mri" / "configs"
TINY = {"channels": [4, 8], "roi_size": [16, 16, 16], "num_workers": 0, "device": "cpu", "amp": False}


class ReadTumour(torch.nn.Module):
    """The conftest's cases are bright where the tumour is: every region is the whole tumour."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        middle = (image.amin((2, 3, 4), keepdim=True) + image.amax((2, 3, 4), keepdim=True)) / 2
        return (image - middle)[:, [3, 3, 3]]


@pytest.mark.parametrize("flips", [False, True], ids=["plain", "flips"])
def test_files_hold_the_scores_on_the_labels_grids(
    flips: bool, brats_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = ConfigParser()
    parser.read_config([CONFIGS / "inference.json", CONFIGS / "evaluate.json"])
    parser.update({"dataset_dir": str(brats_folder), "output_dir": str(tmp_path), **TINY, "roi_size": [32, 32, 32]})
    parser.update({"network": ReadTumour(), "test_time_flips": flips, "stitch_device": "cpu"})
    del parser.config["handlers"][0]  # there is no checkpoint
    parser.get_parsed_content("evaluator").run()
    with (tmp_path / "metrics.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["region"] == "WT"]
    assert len(rows) == 5
    assert {float(row["dice"]) for row in rows} == {1.0}
    assert {float(row["hd95_mm"]) for row in rows} == {0.0}
    with (tmp_path / "summary.csv").open(newline="") as file:
        summary = {(row["region"], row["metric"]): row for row in csv.DictReader(file)}
    dice = []
    for path in brats_folder.rglob("*-seg.nii.gz"):
        labels = np.asarray(nib.load(path).dataobj)
        enhancing, whole = (labels == 3).sum(), (labels > 0).sum()
        dice.append(2 * enhancing / (enhancing + whole))
    assert float(summary["ET", "dice"]["mean"]) == pytest.approx(np.mean(dice))
    assert float(summary["ET", "dice"]["worst"]) == pytest.approx(min(dice))
    assert (tmp_path / "metrics.png").read_bytes().startswith(b"\x89PNG")
    assert "hd95_mm" in capsys.readouterr().out


def test_the_held_out_fold_is_evaluated_and_the_command_line_says_the_same(brats_folder: Path, tmp_path: Path) -> None:
    listed = tmp_path / "list.json"
    made = CliRunner().invoke(app, ["datalist", str(brats_folder), "--out", str(listed), "--folds", "2"])
    assert made.exit_code == 0, made.output
    parser = ConfigParser()
    parser.read_config([CONFIGS / "train.json"])
    parser.update({"datalist": str(listed), "fold": 1, **TINY})
    held_out = parser.get_parsed_content("split")[1]
    parser = ConfigParser()
    parser.read_config([CONFIGS / "inference.json", CONFIGS / "evaluate.json"])
    parser.update({"datalist": str(listed), "fold": 1, "output_dir": str(tmp_path / "results"), **TINY})
    parser.update({"network": ReadTumour(), "roi_size": [32, 32, 32]})
    del parser.config["handlers"][0]  # there is no checkpoint
    parser.get_parsed_content("evaluator").run()
    options = ["--datalist", str(listed), "--fold", "1", "--csv", str(tmp_path / "scores.csv")]
    result = CliRunner().invoke(app, ["evaluate", str(brats_folder), str(tmp_path / "results"), *options])
    assert result.exit_code == 0, result.output
    scores = []
    for path in (tmp_path / "results" / "metrics.csv", tmp_path / "scores.csv"):
        with path.open(newline="") as file:
            scores.append([{**row, "prediction": ""} for row in csv.DictReader(file)])
    assert scores[0] == scores[1]
    assert sorted({row["case"] for row in scores[0]}) == sorted(case["case"] for case in held_out)
