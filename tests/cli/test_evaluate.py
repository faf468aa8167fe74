"""Predictions are scored against the truth, and bad input is one clear error."""

import csv
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


def test_missing_prediction_is_named(dataset: Path, predictions: Path) -> None:
    (predictions / "Simulated-00005-000_seg.nii.gz").unlink()
    result = CliRunner().invoke(app, ["evaluate", str(dataset), str(predictions)])
    assert result.exit_code == 1
    assert "Error: Simulated-00005-000: " in result.output
    assert "has no prediction of it" in result.output
