"""One progress bar with the time left over a whole run."""

import logging
import time
from contextlib import ExitStack
from typing import Any

import torch
from ignite.engine import Engine, Events
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

logger = logging.getLogger(__name__)

LOG_SECONDS = 30.0
"""Where the output is no terminal, a line per so many seconds takes the bar's place."""


class ProgressBar:
    """Shows steps, time left and the last loss of a trainer's whole run, or the cases of an evaluator's.

    Log lines appear above the bar. Without a terminal the same is logged as a line every 30 seconds. Where a run is
    resumed, attach it after the handler that restores the position.

    Args:
        desc: what is counted.
    """

    def __init__(self, desc: str) -> None:
        self.desc = desc
        self.bar: Any = None
        self._first = self._total = 0
        self._began = self._logged = 0.0
        self._stack = ExitStack()

    def attach(self, engine: Engine) -> None:
        """Add the handler to a trainer or an evaluator."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._step)
        engine.add_event_handler(Events.COMPLETED, self._close)
        engine.add_event_handler(Events.EXCEPTION_RAISED, self._fail)

    def _start(self, engine: Engine) -> None:
        self._total = engine.state.epoch_length * engine.state.max_epochs
        self._first = engine.state.iteration
        self._began = self._logged = time.monotonic()
        bar = tqdm(total=self._total, initial=self._first, desc=self.desc, disable=None)
        self.bar = self._stack.enter_context(bar)
        if not self.bar.disable:
            loggers = [logging.getLogger(), logging.getLogger("monai.handlers.StatsHandler")]
            self._stack.enter_context(logging_redirect_tqdm(loggers=loggers))

    def _step(self, engine: Engine) -> None:
        output = engine.state.output[0] if isinstance(engine.state.output, list) else engine.state.output
        loss = f"loss {float(torch.as_tensor(output['loss']).detach()):.3f}" if "loss" in output else ""
        if not self.bar.disable:
            self.bar.set_postfix_str(loss, refresh=False)
            self.bar.update()
            return
        now = time.monotonic()
        if now - self._logged >= LOG_SECONDS:
            self._logged = now
            elapsed, done = now - self._began, engine.state.iteration
            line = tqdm.format_meter(
                done, self._total, elapsed, initial=self._first, prefix=self.desc, postfix=loss, ncols=0
            )
            logger.info(line)

    def _close(self, _engine: Engine) -> None:
        self._stack.close()

    def _fail(self, _engine: Engine, error: Exception) -> None:
        self._stack.close()
        raise error
