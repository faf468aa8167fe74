"""A layout is a name, found by content, or a config."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from iunet_med.cli import app


def test_a_layout_is_a_name_or_a_config(dataset: Path, predictions: Path, tmp_path: Path) -> None:
    config = tmp_path / "lesion.json"
    config.write_text(
        '{"layout": {"_target_": "iunet_med.datasets.FolderLayout", "modalities": {"flair": "*-t2f.nii*"},'
        ' "label": "*-seg.nii*", "regions": {"lesion": [1, 2, 3]}}}'
    )
    result = CliRunner().invoke(app, ["evaluate", str(dataset), str(predictions), "--layout", str(config)])
    assert result.exit_code == 0, result.output
    assert "lesion" in result.output


@pytest.mark.parametrize(
    ("layout", "text"),
    [("brats", "there is no layout named 'brats'"), ("msd", "dataset.json"), ("absent.json", "absent.json")],
)
def test_wrong_layout_is_one_clear_error(dataset: Path, predictions: Path, layout: str, text: str) -> None:
    result = CliRunner().invoke(app, ["evaluate", str(dataset), str(predictions), "--layout", layout])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert text in result.output
