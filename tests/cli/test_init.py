"""Help names every command and option."""

import pytest
from typer.testing import CliRunner

from iunet_med.cli import app


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
