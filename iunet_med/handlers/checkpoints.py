"""Checkpoints: the best network as a plain state dict, and all that a run needs to go on.

Of several processes that train together the first one writes, and each one reads.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events

from iunet_med.files import replacing
from iunet_med.handlers.weight_average import WeightAverage


class BestModel:
    """Keeps the weights of the best validation so far, as a plain state dict, in one file.

    Attached to a MONAI evaluator, it writes `path` after each validation whose key metric beats all earlier ones.
    """

    def __init__(self, path: str, network: torch.nn.Module) -> None:
        self.path = path
        self.network = network

    def attach(self, engine: Engine) -> None:
        """Add the handler to an evaluator."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the weights if this validation was the best."""
        if engine.state.best_metric_epoch == engine.state.epoch and idist.get_rank() == 0:
            with replacing(self.path) as temporary:
                torch.save(self.network.state_dict(), temporary)


class LoadModel:
    """Loads a plain state dict into a network when an engine starts; every tensor has to fit."""

    def __init__(self, path: str, network: torch.nn.Module, *, device: torch.device | str = "cpu") -> None:
        self.path = path
        self.network = network
        self.device = device

    def attach(self, engine: Engine) -> None:
        """Add the handler to an evaluator or trainer."""
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self, _engine: Engine) -> None:
        """Load the weights; errors as in `load_weights`."""
        load_weights(self.network, self.path, device=self.device)


def load_weights(network: torch.nn.Module, path: str, *, device: torch.device | str = "cpu") -> None:
    """Load a plain state dict into a network; every tensor has to fit.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file holds the weights of another network.
    """
    _load(network, _read(path, device, cure="train first, or pass --checkpoint FILE"), path)


class TrainingState:
    """Keeps all that a run needs to go on in one file, written after every epoch, and takes it up again.

    Args:
        path: the file.
        network: its weights are kept; the other arguments too.
        optimizer: of the weights.
        lr_scheduler: only its position is restored, so that a run can be resumed with more epochs than before: the rate
            then follows the longer schedule.
        evaluator: its best metric so far, so that a resumed run does not replace a better model.
        average: of the weights; without it, none is kept.
        resume: whether to take up `path` when the trainer starts.
    """

    def __init__(
        self,
        path: str,
        network: torch.nn.Module,
        *,
        optimizer: torch.optim.Optimizer,
        lr_scheduler: torch.optim.lr_scheduler.LRScheduler,
        evaluator: Engine,
        average: WeightAverage | None = None,
        device: torch.device | str = "cpu",
        resume: bool = False,
    ) -> None:
        self.path = path
        self.network = network
        self.optimizer = optimizer
        self.lr_scheduler = lr_scheduler
        self.evaluator = evaluator
        self.average = average
        self.device = device
        self.resume = resume

    def attach(self, engine: Engine) -> None:
        """Add the handler to a trainer."""
        if self.resume:
            engine.add_event_handler(Events.STARTED, self.load)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)

    def save(self, engine: Engine) -> None:
        """Write the state."""
        if idist.get_rank() > 0:
            return
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict() if self.average else {},
            "optimizer": self.optimizer.state_dict(),
            "schedule_position": self.lr_scheduler.last_epoch,
            "epoch": engine.state.epoch,
            "best_metric": self.evaluator.state.best_metric,
            "best_metric_epoch": self.evaluator.state.best_metric_epoch,
        }
        with replacing(self.path) as temporary:
            torch.save(state, temporary)

    def load(self, engine: Engine) -> None:
        """Take up the state.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if the run is already as long as asked for, was that of another network, or kept no average of
                the weights where one is wanted.
        """
        state = _read(self.path, self.device, cure="start the run without --resume")
        if state["epoch"] >= engine.state.max_epochs:
            raise ValueError(
                f"{self.path} has {state['epoch']} epochs behind it and max_epochs is {engine.state.max_epochs}; to go "
                "on, pass a greater --max_epochs."
            )
        _load(self.network, state["network"], self.path)
        if self.average and self.average.decay:
            if not state.get("average"):
                raise ValueError(
                    f"{self.path} holds no average of the weights, which ema_decay {self.average.decay} needs; go on "
                    "without one by --ema_decay 0, or start the run again without --resume."
                )
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.lr_scheduler.last_epoch = state["schedule_position"]
        engine.state.epoch = state["epoch"]
        engine.state.iteration = state["epoch"] * engine.state.epoch_length
        self.evaluator.state.best_metric = state["best_metric"]
        self.evaluator.state.best_metric_epoch = state["best_metric_epoch"]
        engine.logger.info("Resumed %s after epoch %d", self.path, state["epoch"])


def _load(network: torch.nn.Module, weights: Mapping[str, Any], path: str) -> None:
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(
            f"{path} holds another network's weights; give the channels, couplings and layout that it was "
            f"trained with, or another checkpoint. {error}"
        ) from error


def _read(path: str, device: torch.device | str, *, cure: str) -> Mapping[str, Any]:
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}; {cure}.")
    return dict(torch.load(path, map_location=device, weights_only=True))
