"""A data set is told as it is, and listed if it is sound."""

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
from typer.testing import CliRunner

from iunet_med.cli import app


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


def test_datalist_reports_what_is_doubtful(dataset: Path, tmp_path: Path) -> None:
    shutil.copytree(dataset, tmp_path / "data")
    path = tmp_path / "data" / "Simulated-00005-000" / "Simulated-00005-000-t1c.nii.gz"
    image = nib.load(path)
    voxels = np.asarray(image.dataobj, np.float32)
    voxels[tuple(length // 2 for length in voxels.shape)] = 1e6
    nib.save(nib.Nifti1Image(voxels, image.affine), path)
    arguments = ["datalist", str(tmp_path / "data"), "--out", str(tmp_path / "list.json"), "--folds", "0"]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
    assert result.exit_code == 0, result.output
    assert f"warning outlier: 1 case(s), first Simulated-00005-000: {path}" in result.output
