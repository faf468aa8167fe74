"""Ends a training that no longer gets better."""

import logging

from ignite.engine import Engine, Events

logger = logging.getLogger(__name__)


class EarlyStop:
    """Ends the run when the best validation lies more than `patience` epochs back.

    The best metric is read from the evaluator, so that a resumed run counts on.

    Args:
        evaluator: a MONAI evaluator whose epochs are the trainer's, as `ValidationHandler` sets them.
        patience: epochs without a better validation; 0 never stops.
    """

    def __init__(self, evaluator: Engine, *, patience: int) -> None:
        if patience < 0:
            raise ValueError(f"patience={patience}: expected a number of epochs, or 0 for never.")
        self.evaluator = evaluator
        self.patience = patience

    def attach(self, engine: Engine) -> None:
        """Add the handler to a trainer, after the one that validates."""
        if self.patience:
            engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Stop the trainer where it is time."""
        best = self.evaluator.state.best_metric_epoch
        if 0 <= best < engine.state.epoch - self.patience:
            logger.info("No better validation since epoch %d: stopped after epoch %d", best, engine.state.epoch)
            engine.terminate()
