"""Bad input ends a command with a message and a status, without a traceback; mistakes of our own do not."""

import pytest
import typer

from iunet_med.cli.terminal import clear_errors


@pytest.mark.parametrize("error", [ValueError("[x] came"), OSError("no room"), ImportError("pip install it")])
def test_an_error_is_one_line(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught, clear_errors(status=2):
        raise error
    assert caught.value.exit_code == 2
    assert capsys.readouterr().err == f"Error: {error}\n"


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), clear_errors():
        raise KeyError("a mistake")
