"""A file is exported, or one clear error is told."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from iunet_med.cli import app

BUNDLE = str(Path(__file__).parents[2] / "bundle" / "iunet_brats_mri")


@pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning", "ignore:.torch.jit.* is deprecated")
def test_the_shipped_network_is_exported(tmp_path: Path) -> None:
    out = tmp_path / "model.ts"
    result = CliRunner().invoke(app, ["export", str(out), "--bundle", BUNDLE, "--size", "16", "16", "16"])
    assert result.exit_code == 0, result.output
    assert "model.ts computes the same to 0" in result.output
    assert out.stat().st_size > 1e6


def test_another_ending_is_an_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["export", str(tmp_path / "model.pt"), "--bundle", BUNDLE])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
