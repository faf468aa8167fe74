"""Predictions are scored against the truth, and bad input is one clear error."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from iunet_med.cli import app


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["evaluate", "data"], "PREDICTIONS"),
        (["evaluate", "data", "a/result", "b/result"], "same name"),
        (["evaluate", "data", "result", "--dice"], "No such option"),
        (["evaluate", "data", "result", "--fold", "0"], "name the list by --datalist FILE"),
    ],
)
def test_bad_arguments_exit_with_2(arguments: list[str], text: str) -> None:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "160"})
    assert result.exit_code == 2
    assert text in result.output


def test_evaluation_scores_every_region(dataset: Path, predictions: Path, tmp_path: Path) -> None:
    files = ["--csv", str(tmp_path / "dice.csv"), "--picture", str(tmp_path / "overview.png")]
    files += ["--summary", str(tmp_path / "summary.csv"), "--plot", str(tmp_path / "metrics.png")]
    result = CliRunner().invoke(app, ["evaluate", str(dataset), str(predictions), *files], env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    with (tmp_path / "dice.csv").open(newline="") as file:
        scores = {(row["case"], row["region"]): float(row["dice"]) for row in csv.DictReader(file)}
    lost = {case: score for case, score in scores.items() if score != 1}
    assert len(scores) == 6
    assert lost == {("Simulated-00006-000", "ET"): 0.0}
    assert "0.500" in result.output  # the mean over both cases
    with (tmp_path / "summary.csv").open(newline="") as file:
        worst = {
            row["metric"]: (row["worst"], row["worst_case"]) for row in csv.DictReader(file) if row["region"] == "ET"
        }
    assert worst["hd95_mm"] == ("374.0", "Simulated-00006-000")
    assert (tmp_path / "metrics.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "overview.png").read_bytes().startswith(b"\x89PNG")


def evaluated(dataset: Path, predictions: Path, folder: Path, *options: str) -> tuple[list[str], str]:
    """The cases that are scored, and what is said."""
    arguments = ["evaluate", str(dataset), str(predictions), "--csv", str(folder / "scores.csv"), *options]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    with (folder / "scores.csv").open(newline="") as file:
        return sorted({row["case"] for row in csv.DictReader(file)}), result.output


def test_missing_predictions_are_named_and_the_others_can_be_scored(
    dataset: Path, predictions: Path, tmp_path: Path
) -> None:
    (predictions / "Simulated-00005-000_seg.nii.gz").rename(predictions / "Other-1_seg.nii.gz")
    result = CliRunner().invoke(app, ["evaluate", str(dataset), str(predictions)])
    assert result.exit_code == 1
    assert "has no prediction of 1 case: Simulated-00005-000. Needed" in result.output
    assert "score 1 others alone by --cases Simulated-00006-000 (" in result.output
    for option in ("Simulated-00006-000", "*-00006-*", str(tmp_path / "names.txt")):
        (tmp_path / "names.txt").write_text("Simulated-00006-000\n")
        cases, output = evaluated(dataset, predictions, tmp_path, "--cases", option)
        assert cases == ["Simulated-00006-000"]
        assert "1 of the 2 cases of" in output
        assert "has predictions of cases that" in output
        assert "left out: Other-1" in output


def test_the_held_out_fold_of_a_list_is_scored(dataset: Path, predictions: Path, tmp_path: Path) -> None:
    made = CliRunner().invoke(app, ["datalist", str(dataset), "--out", str(tmp_path / "list.json"), "--folds", "2"])
    assert made.exit_code == 0, made.output
    folds = {item["case"]: item["fold"] for item in json.loads((tmp_path / "list.json").read_text())["training"]}
    listed = ["--datalist", str(tmp_path / "list.json")]
    for fold in (0, 1):
        expected = [case for case, number in folds.items() if number == fold]
        assert evaluated(dataset, predictions, tmp_path, *listed, "--fold", str(fold))[0] == expected
    assert evaluated(dataset, predictions, tmp_path, *listed)[0] == sorted(folds)
    result = CliRunner().invoke(app, ["evaluate", str(dataset), str(predictions), *listed, "--fold", "2"])
    assert result.exit_code == 1
    assert "Error: fold is 2, and no case of the datalist is in it; there are [0, 1]" in result.output
