"""The command lists the bundles, and what it copies is what it says."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from iunet_med.cli import app


def test_bundles_are_listed_and_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "iunet_brats_mri" in CliRunner().invoke(app, ["bundle"]).stdout
    copied = CliRunner().invoke(app, ["bundle", "iunet_brats_mri"])
    assert copied.exit_code == 0
    assert "--config_file bundle/iunet_brats_mri/configs/train.json" in copied.stderr
    assert Path("bundle", "iunet_brats_mri", "configs", "train.json").is_file()
    assert Path("configs", "cpu_demo.json").is_file()
    again = CliRunner().invoke(app, ["bundle", "iunet_brats_mri"])
    assert again.exit_code == 1
    assert "exists already" in again.stderr
