"""One bar counts the whole run; a log file gets a line now and then."""

import io
import logging
import sys

import pytest
from ignite.engine import Engine

from iunet_med.handlers import ProgressBar, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def train(epochs: int = 3, *, fail: bool = False, output: dict[str, float] | None = None) -> None:
    def step(_engine: Engine, _batch: int) -> list[dict[str, float]]:
        if fail:
            raise ZeroDivisionError
        logging.getLogger("monai.handlers.StatsHandler").warning("a line")
        return [{"loss": 0.25} if output is None else output]

    engine = Engine(step)
    engine.logger.setLevel(logging.CRITICAL)
    ProgressBar("training").attach(engine)
    engine.run(range(4), max_epochs=epochs)


def test_bar_counts_the_steps_of_all_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    train()
    last = terminal.getvalue().rstrip().split("\r")[-1]
    assert last.startswith("training: 100%")
    assert "12/12" in last
    assert "loss 0.250" in last


def test_cases_without_a_loss_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    train(epochs=1, output={})
    last = terminal.getvalue().rstrip().split("\r")[-1]
    assert "4/4" in last
    assert "None" not in last


def test_log_lines_take_the_bars_place_in_a_file(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "stderr", file := io.StringIO())
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    with caplog.at_level(logging.INFO, logger=progress.__name__):
        train(epochs=1)
    lines = [record.getMessage() for record in caplog.records if record.name == progress.__name__]
    assert [line.split()[2] for line in lines] == ["1/4", "2/4", "3/4", "4/4"]
    assert "loss 0.250" in lines[-1]
    assert file.getvalue() == ""


def test_an_error_passes_and_leaves_the_logging_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    before = list(logging.getLogger().handlers)
    with pytest.raises(ZeroDivisionError):
        train(fail=True)
    assert logging.getLogger().handlers == before
