import pytest
from ignite.engine import Engine, Events

from iunet_med.handlers import EarlyStop


def epochs_of(metrics: list[float], *, patience: int) -> int:
    """Run as many epochs as there are metrics, unless stopped, and tell how many there were."""
    evaluator, trainer = Engine(lambda _engine, _batch: None), Engine(lambda _engine, _batch: None)
    evaluator.state.best_metric_epoch = -1

    def validate(engine: Engine) -> None:
        if metrics[engine.state.epoch - 1] >= max(metrics[: engine.state.epoch]):
            evaluator.state.best_metric_epoch = engine.state.epoch

    trainer.add_event_handler(Events.EPOCH_COMPLETED, validate)
    EarlyStop(evaluator, patience=patience).attach(trainer)
    return trainer.run([0], max_epochs=len(metrics)).epoch


def test_stops_when_the_best_epoch_is_more_than_the_patience_back() -> None:
    metrics = [0.1, 0.5, 0.4, 0.3, 0.2, 0.6, 0.1]
    assert epochs_of(metrics, patience=2) == 5
    assert epochs_of(metrics, patience=4) == 7
    assert epochs_of(metrics, patience=0) == 7


def test_a_negative_patience_is_refused() -> None:
    with pytest.raises(ValueError, match="patience=-1: expected a number of epochs, or 0 for never"):
        epochs_of([0.1], patience=-1)
