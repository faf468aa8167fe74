"""The exit status says how the run ended."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from typer.testing import CliRunner

from iunet_med import IUNet
from iunet_med.cli import app


def test_segment_tells_misuse_by_2_failures_by_1_and_success_by_0(
    tmp_path: Path, brats_case: Callable[..., Path]
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(Path(__file__).parents[2] / "bundle" / "iunet_brats_mri", bundle)
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
