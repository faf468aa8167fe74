"""`iunet-med monai-label` prints the line that starts a server, and starts none where MONAI Label is missing."""

import shlex
from pathlib import Path

from typer.testing import CliRunner

from iunet_med.cli import app


def test_the_line_names_the_app_and_its_studies(brats_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "an app"
    done = CliRunner().invoke(app, ["monai-label", str(brats_folder), "--out", str(out), "--port", "8123"])
    assert done.exit_code == 0, done.output
    told, line = done.output.splitlines()
    assert told.endswith("serves 5 patient(s). Start it where MONAI Label is installed:")
    words = shlex.split(line)
    assert words[:4] == ["python", "-m", "monailabel.main", "start_server"]
    assert words[words.index("--studies") + 1] == str(out / "studies")
    assert words[-4:] == ["--host", "127.0.0.1", "--port", "8123"]
    compile((out / "main.py").read_text(), "main.py", "exec")


def test_start_without_monai_label_says_where_it_is_missing(brats_folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["monai-label", str(brats_folder), "--out", str(tmp_path / "app"), "--start"])
    assert done.exit_code == 1
    assert "MONAI Label is not installed in" in done.output


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = CliRunner().invoke(app, ["monai-label", str(tmp_path / "empty"), "--out", str(tmp_path / "app")])
    assert done.exit_code == 1
    assert "holds no case" in done.output
    assert not (tmp_path / "app").exists()
