"""Checkpoints: the best network as a plain state dict, and all that a run needs to go on.

Of several processes that train together the first one writes, and each one reads.
"""

import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events

from iunet_med.files import replacing
from iunet_med.handlers.weight_average import WeightAverage
from iunet_med.trained_with import keep_settings

_AFRESH = "start the run without --resume"
_NEEDED = ("network", "optimizer", "schedule_position", "epoch", "best_metric", "best_metric_epoch")


class BestModel:
    """Keeps the weights of the best validation so far, as a plain state dict, in one file.

    Attached to a MONAI evaluator, it writes `path` after each validation whose key metric beats all earlier ones.

    Args:
        path: the file.
        network: whose weights are kept.
        settings: what inference has to repeat, such as the spacing; written beside the weights for `trained_with`.
        continues: whether the file is of the run that goes on; else one that is there is copied before the first
            writing, as to model-1.pt, and the log says so.
    """

    def __init__(
        self,
        path: str,
        network: torch.nn.Module,
        *,
        settings: Mapping[str, Any] | None = None,
        continues: bool = False,
    ) -> None:
        self.path = path
        self.network = network
        self.settings = settings
        self.is_ours = continues

    def attach(self, engine: Engine) -> None:
        """Add the handler to an evaluator."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the weights if this validation was the best."""
        if engine.state.best_metric_epoch == engine.state.epoch:
            self.write(engine)

    def write(self, engine: Engine) -> None:
        """Write the weights, in the first process."""
        if idist.get_rank() > 0:
            return
        if not self.is_ours and Path(self.path).exists():
            engine.logger.info("The weights that %s held before are in %s", self.path, _set_aside(Path(self.path)))
        self.is_ours = True
        with replacing(self.path) as temporary:
            torch.save(self.network.state_dict(), temporary)
        if self.settings is not None:
            keep_settings(self.path, self.settings)


class LastModel:
    """Keeps the weights at the end of a training that had no case to validate on, which has no best ones.

    Attached to the trainer.
    """

    def __init__(self, best: BestModel, evaluator: Engine) -> None:
        self.best = best
        self.evaluator = evaluator

    def attach(self, engine: Engine) -> None:
        """Add the handler to a trainer."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the weights if nothing was validated."""
        if self.evaluator.state.best_metric_epoch == -1:
            engine.logger.warning("No case was validated on: the last weights are kept")
            self.best.write(engine)


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
        ValueError: if the file is damaged, holds something else, or the weights of another network.
    """
    cure = "train first, or pass --checkpoint FILE"
    weights = _read(path, device, cure=cure)
    if not all(isinstance(value, torch.Tensor) for value in weights.values()):
        raise ValueError(f"{path}: expected a plain state dict, found {_keys(weights)}; {cure}.")
    _load(network, weights, path)


class TrainingState:
    """Keeps all that a run needs to go on in one file, written after every epoch, and takes it up again.

    Args:
        path: the file.
        network: its weights are kept; the other arguments too.
        optimizer: of the weights. Its moments are restored; its settings are those that the resumed run was given.
        lr_scheduler: stepped on by the epochs done, with as many steps per epoch as the resumed run has: it ends with
            the run, also with other epochs, cases, batches or rates than before.
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
            "iteration": engine.state.iteration,
            "best_metric": self.evaluator.state.best_metric,
            "best_metric_epoch": self.evaluator.state.best_metric_epoch,
        }
        with replacing(self.path) as temporary:
            torch.save(state, temporary)

    def load(self, engine: Engine) -> None:
        """Take up the state.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if the file is damaged or holds something else, the run is already as long as asked for, was
                that of another network or optimizer, or kept no average of the weights where one is wanted.
        """
        state = self._read_state()
        if state["epoch"] >= engine.state.max_epochs:
            raise ValueError(
                f"{self.path} has {state['epoch']} epochs behind it and max_epochs is {engine.state.max_epochs}; to go "
                "on, pass a greater --max_epochs."
            )
        _load(self.network, state["network"], self.path)
        self._check_optimizer(state)
        if self.average and self.average.decay:
            if not state.get("average"):
                raise ValueError(
                    f"{self.path} holds no average of the weights, which ema_decay {self.average.decay} needs; go on "
                    "without one by --ema_decay 0, or start the run again without --resume."
                )
            self.average.load_state_dict(state["average"])
        by_epochs = state["schedule_position"] == state["epoch"] < state.get("iteration", state["epoch"])
        _step_on(self.lr_scheduler, state["epoch"] * (1 if by_epochs else engine.state.epoch_length))
        # what the optimizer has learnt is restored; its rate and other settings stay those of this run
        present = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state["optimizer"]["state"], "param_groups": present})
        engine.state.epoch = state["epoch"]
        engine.state.iteration = state["epoch"] * engine.state.epoch_length
        self.evaluator.state.best_metric = state["best_metric"]
        self.evaluator.state.best_metric_epoch = state["best_metric_epoch"]
        engine.logger.info("Resumed %s after epoch %d", self.path, state["epoch"])

    def _read_state(self) -> Mapping[str, Any]:
        state = _read(self.path, self.device, cure=_AFRESH)
        if missing := [key for key in _NEEDED if key not in state]:
            raise ValueError(
                f"{self.path}: expected the state of a training, found {_keys(state)} and no {', '.join(missing)}; "
                f"pass --training_state FILE, or {_AFRESH}."
            )
        return state

    def _check_optimizer(self, state: Mapping[str, Any]) -> None:
        saved, present = state["optimizer"]["param_groups"], self.optimizer.param_groups
        sizes = [[len(group["params"]) for group in groups] for groups in (saved, present)]
        # schedules, and newer versions of an optimizer, add settings; another optimizer lacks some as well
        saved_only, present_only = saved[0].keys() - present[0], present[0].keys() - saved[0]
        if sizes[0] != sizes[1] or (saved_only and present_only):
            raise ValueError(
                f"{self.path} holds another optimizer's state: expected {type(self.optimizer).__name__} with groups of "
                f"{sizes[1]} parameters, found groups of {sizes[0]}, settings of its own: "
                f"{', '.join(sorted(saved_only)) or 'none'}; keep the optimizer, or {_AFRESH}."
            )


def _step_on(lr_scheduler: torch.optim.lr_scheduler.LRScheduler, steps: int) -> None:
    """Take a new schedule to where the run stands: any schedule reaches the rates that it had in an unbroken run."""
    with warnings.catch_warnings():  # the optimizer's steps were done by the run before
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step", UserWarning)
        for _ in range(lr_scheduler.last_epoch, steps):
            lr_scheduler.step()


def _load(network: torch.nn.Module, weights: Mapping[str, Any], path: str) -> None:
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(
            f"{path} holds another network's weights; give the channels, couplings and layout that it was "
            f"trained with, or another checkpoint. {error}"
        ) from error


def _set_aside(path: Path) -> Path:
    """Copy a file to the first free name of its kind, and return that; so the file itself is there at any time."""
    number = 1
    while (other := path.with_name(f"{path.stem}-{number}{path.suffix}")).exists():
        number += 1
    for one in (path, path.with_suffix(".json")):
        if one.is_file():
            with replacing(other.with_suffix(one.suffix)) as temporary:
                shutil.copy2(one, temporary)
    return other


def _read(path: str, device: torch.device | str, *, cure: str) -> Mapping[str, Any]:
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}; {cure}.")
    try:
        return dict(torch.load(path, map_location=device, weights_only=True))
    except Exception as error:  # torch has no error of its own for a damaged or foreign file
        reason = (str(error).splitlines() or [type(error).__name__])[0] if Path(path).stat().st_size else "it is empty"
        raise ValueError(
            f"{path} is damaged, or no checkpoint ({reason}); put a whole copy in its place, or {cure}."
        ) from error


def _keys(content: Mapping[str, Any]) -> str:
    """The first keys of a file's content, for an error."""
    return f"a file with {', '.join(map(str, list(content)[:4])) or 'nothing in it'}"
