"""The command line does what its help says, and says in one line what is wrong with its input."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from iunet_med import IUNet
from iunet_med.cli import app
from iunet_med.data import dataset_layout, list_cases

SPACING = "4"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "data"
    result = CliRunner().invoke(app, ["simulate", str(folder), "--cases", "2", "--seed", "5", "--spacing", SPACING])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def predictions(dataset: Path, tmp_path: Path) -> Path:
    """The truth itself, but nothing for the second case's enhancing tumour."""
    for case in list_cases(str(dataset), dataset_layout("brats23")):
        (tmp_path / "perfect").mkdir(exist_ok=True)
        shutil.copy(case["label"], tmp_path / "perfect" / f"{case['case']}_seg.nii.gz")
    image = nib.load(path := tmp_path / "perfect" / "Simulated-00006-000_seg.nii.gz")
    labels = np.asarray(image.dataobj)
    nib.save(nib.Nifti1Image(np.where(labels == 3, 1, labels).astype(np.uint8), image.affine), path)
    return tmp_path / "perfect"


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("simulate", ("OUT", "--cases", "--seed", "--layout", "--spacing", "brats20", "msd")),
        ("export", ("OUT", "--bundle", "--checkpoint", "--size")),
        ("segment", ("INPUT", "--output", "--bundle", "--map", "--whole-volume", "--resample-uneven", "--trust")),
        ("datalist", ("FOLDER", "--out", "--layout", "--folds", "--seed", "--skip-bad")),
        ("evaluate", ("DATASET", "PREDICTIONS", "--layout", "--csv", "--picture", "brats18", "empty")),
    ],
)
def test_help_names_every_option(command: str, options: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "160"})
    assert result.exit_code == 0
    for option in options:
        assert option in result.output


def test_simulated_cases_are_named_by_seed_and_have_the_spacing(dataset: Path) -> None:
    cases = list_cases(str(dataset), dataset_layout("brats23"))
    assert [case["case"] for case in cases] == ["Simulated-00005-000", "Simulated-00006-000"]
    assert nib.load(cases[0]["label"]).header.get_zooms() == (4, 4, 4)


def test_both_layouts_hold_the_same_patient(dataset: Path, tmp_path: Path) -> None:
    arguments = ["simulate", str(tmp_path), "--cases", "1", "--seed", "5", "--spacing", SPACING]
    assert CliRunner().invoke(app, [*arguments, "--layout", "msd"]).exit_code == 0
    (msd,) = list_cases(str(tmp_path), dataset_layout("msd"))
    brats, _ = list_cases(str(dataset), dataset_layout("brats23"))
    channels = np.asarray(nib.load(msd["image"]).dataobj)
    for name, path in zip(brats["modalities"], brats["image"], strict=True):
        np.testing.assert_array_equal(channels[..., msd["modalities"].index(name)], np.asarray(nib.load(path).dataobj))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["simulate"], "OUT"),
        (["simulate", "out", "--cases", "0"], "Invalid value for '--cases'"),
        (["simulate", "out", "--seed", "-1"], "Invalid value for '--seed'"),
        (["simulate", "out", "--spacing", "9"], "Invalid value for '--spacing'"),
        (["simulate", "out", "--layout", "dicom"], "'brats23', 'msd'"),
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


def test_a_layout_is_a_name_or_a_config(dataset: Path, predictions: Path, tmp_path: Path) -> None:
    config = tmp_path / "lesion.json"
    config.write_text(
        '{"layout": {"_target_": "iunet_med.data.FolderLayout", "modalities": {"flair": "*-t2f.nii*"},'
        ' "label": "*-seg.nii*", "regions": {"lesion": [1, 2, 3]}}}'
    )
    result = CliRunner().invoke(app, ["evaluate", str(dataset), str(predictions), "--layout", str(config)])
    assert result.exit_code == 0, result.output
    assert "lesion" in result.output


def test_datalist_tells_what_there_is_and_writes_folds(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "list.json"
    arguments = ["datalist", str(dataset), "--out", str(out), "--folds", "2"]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    for text in ("t1, t1c, t2, flair", "4 x 4 x 4", "TC, WT", "2 cases are listed in"):
        assert text in result.output
    assert sorted(item["fold"] for item in json.loads(out.read_text())["training"]) == [0, 1]


def test_datalist_with_problems_is_written_only_without_the_bad_cases(dataset: Path, tmp_path: Path) -> None:
    shutil.copytree(dataset, tmp_path / "data")
    (tmp_path / "data" / "Simulated-00005-000" / "Simulated-00005-000-t1c.nii.gz").write_bytes(b"cut")
    arguments = ["datalist", str(tmp_path / "data"), "--out", str(tmp_path / "list.json"), "--folds", "0"]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
    assert result.exit_code == 1
    assert "is not a readable NIfTI image" in result.output
    assert "list.json was not written; mend the problems above, or pass --skip-bad" in result.output
    assert not (tmp_path / "list.json").exists()
    assert CliRunner().invoke(app, [*arguments, "--skip-bad"]).exit_code == 0
    written = json.loads((tmp_path / "list.json").read_text())
    assert [item["case"] for item in written["training"]] == ["Simulated-00006-000"]
    assert written["skipped"] == ["Simulated-00005-000"]


@pytest.mark.parametrize(
    ("layout", "text"),
    [("brats", "there is no layout named 'brats'"), ("msd", "dataset.json"), ("absent.json", "absent.json")],
)
def test_wrong_layout_is_one_clear_error(dataset: Path, predictions: Path, layout: str, text: str) -> None:
    result = CliRunner().invoke(app, ["evaluate", str(dataset), str(predictions), "--layout", layout])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert text in result.output


def test_missing_prediction_is_named(dataset: Path, predictions: Path) -> None:
    (predictions / "Simulated-00005-000_seg.nii.gz").unlink()
    result = CliRunner().invoke(app, ["evaluate", str(dataset), str(predictions)])
    assert result.exit_code == 1
    assert "Error: Simulated-00005-000: " in result.output
    assert "has no prediction of it" in result.output


def test_segment_tells_misuse_by_2_failures_by_1_and_success_by_0(
    tmp_path: Path, brats_case: Callable[..., Path]
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(Path(__file__).parents[1] / "bundle" / "iunet_brats_mri", bundle)
    (bundle / "models").mkdir(exist_ok=True)
    torch.save(IUNet(3, 4, 3, [4, 8]).state_dict(), bundle / "models" / "model.pt")
    for name in ("a-1", "b-2"):
        brats_case(tmp_path / "scans", name, affine=np.diag([-1.5, 1.5, 1.5, 1.0]))
    options = ["--output", str(tmp_path / "out"), "--bundle", str(bundle), "--device", "cpu"]
    options += ["--set", "channels=[4, 8]", "--set", "roi_size=[32, 32, 32]", "--set", "spacing=[1.5, 1.5, 1.5]"]
    done = CliRunner().invoke(app, ["segment", str(tmp_path / "scans"), *options])
    assert done.exit_code == 0, done.output
    assert "2 cases" in done.output
    (tmp_path / "scans" / "a-1" / "a-1-t1c.nii.gz").write_text("no image")
    failed = CliRunner().invoke(app, ["segment", str(tmp_path / "scans"), *options])
    assert failed.exit_code == 1
    assert "failed a-1: " in failed.output
    for wrong, text in ((["absent"], "does not exist"), ([str(tmp_path / "scans"), "--set", "x"], "NAME=VALUE")):
        misused = CliRunner().invoke(app, ["segment", *wrong, *options])
        assert misused.exit_code == 2
        assert text in misused.output
