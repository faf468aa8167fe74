"""The exit status says how the run ended, and the last lines what went wrong, the worst first."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from iunet_med import IUNet
from iunet_med.checks.finding import Finding
from iunet_med.cli import app
from iunet_med.cli.segment import SHOWN_WARNINGS, tell_results
from iunet_med.inference import CaseResult


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
    for wrong, text in ((["absent"], "There is no"), ([str(tmp_path / "scans"), "--set", "x"], "NAME=VALUE")):
        misused = CliRunner().invoke(app, ["segment", *wrong, *options])
        assert misused.exit_code == 2
        assert text in misused.output


def result(case: str, status: str, *checks: str) -> CaseResult:
    findings = tuple(Finding("warning", check, f"about {check}") for check in checks)
    reason = "cut off" if status == "failed" else ""
    return CaseResult(case, status, reason, findings, (), (), 1.0, 1.0, "", {})


def test_the_last_lines_tell_the_worst_first(capsys: pytest.CaptureFixture[str]) -> None:
    results = [
        result("good", "ok"),
        result("a[1]", "warning", "spacing", "empty-mask", "grid"),
        result("bad", "failed"),
    ]
    tell_results(results, Path("out"))
    assert capsys.readouterr().err.splitlines() == [
        "failed bad: cut off",
        "warning a[1]: empty-mask: about empty-mask (and 2 more)",
        f"3 cases: 1 failed, 1 warning, 1 ok; see {Path('out') / 'report.html'}",
    ]
    tell_results([result(str(n), "warning", "grid") for n in range(SHOWN_WARNINGS + 2)], Path("out"))
    assert "warning 2 more cases, see the report" in capsys.readouterr().err
