import sys
from pathlib import Path

import pytest

from iunet_med.datasets import DatasetError, Problem, plain_errors


def chained(cause: Exception) -> Exception:
    try:
        try:
            raise cause
        except Exception as error:
            raise RuntimeError("wrapped") from error
    except RuntimeError as error:
        return error


@pytest.fixture
def plain_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    plain_errors()


@pytest.mark.usefixtures("plain_hook")
def test_of_a_dataset_error_only_the_message_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    error = chained(DatasetError(Path("data"), [Problem("c1", "no t2", "a t2 file", "add it")]))
    sys.excepthook(type(error), error, error.__traceback__)
    shown = capsys.readouterr().err.strip()
    assert shown == ("DatasetError: data cannot be used, 1 problem in 1 case:\n  c1: no t2; expected a t2 file; add it")


@pytest.mark.usefixtures("plain_hook")
def test_of_another_error_the_first_cause_comes_last(capsys: pytest.CaptureFixture[str]) -> None:
    error = chained(FileNotFoundError("there is no checkpoint"))
    sys.excepthook(type(error), error, error.__traceback__)
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert shown.splitlines()[-1] == "FileNotFoundError: there is no checkpoint"


@pytest.mark.usefixtures("plain_hook")
def test_what_an_error_of_ours_was_made_of_does_not_take_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    ours = ValueError("state.pt is damaged; start again")
    ours.__cause__ = OSError(22, "Invalid argument")
    error = chained(ours)
    sys.excepthook(type(error), error, error.__traceback__)
    assert capsys.readouterr().err.splitlines()[-1] == "ValueError: state.pt is damaged; start again"
