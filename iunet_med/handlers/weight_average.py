"""An exponential moving average of a network's weights, kept beside the network while it trains."""

from collections.abc import Mapping
from typing import Any

import torch
from ignite.engine import Engine, Events
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

Tensors = tuple[Tensor, ...] | list[Tensor]


class WeightAverage:
    """The moving average of a network's weights: with every update, average <- d average + (1 - d) weights.

    It begins with the weights at the first update. After n updates d is min(decay, (1 + n) / (10 + n)): the average
    looks back over about a tenth of the updates done, and never over more than 1 / (1 - decay). Buffers are copied. The
    training itself is not touched.

    Args:
        network: the one that trains, on its device; of a `DistributedDataParallel` the network within.
        decay: the greatest d, 0 for no average.

    Raises:
        ValueError: for a decay outside [0, 1).

    Source: `num_updates` of https://www.tensorflow.org/api_docs/python/tf/train/ExponentialMovingAverage.
    """

    def __init__(self, network: torch.nn.Module, *, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay={decay}: expected a number from 0 (no average) to below 1, such as 0.999.")
        self.decay = decay
        self._trained = network.module if isinstance(network, DistributedDataParallel) else network
        self._average = AveragedModel(self._trained, multi_avg_fn=self._update) if decay else None

    @property
    def network(self) -> torch.nn.Module:
        """The network to validate and to keep: the averaged one, or with decay 0 the one that trains."""
        return self._average.module if self._average else self._trained

    def update(self) -> None:
        """Take the present weights into the average."""
        if self._average:
            self._average.update_parameters(self._trained)

    def state_dict(self) -> dict[str, Any]:
        """Return the average and the number of updates; nothing with decay 0."""
        return self._average.state_dict() if self._average else {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` returned; RuntimeError if it does not fit."""
        if self._average:
            self._average.load_state_dict(state)

    def _update(self, average: Tensors, weights: Tensors, updates: Tensor | int) -> None:
        decay = min(self.decay, (1 + int(updates)) / (10 + int(updates)))
        get_ema_multi_avg_fn(decay)(average, weights, updates)  # type: ignore[no-untyped-call]


class AverageWeights:
    """Updates a `WeightAverage` after every step of a trainer."""

    def __init__(self, average: WeightAverage) -> None:
        self.average = average

    def attach(self, engine: Engine) -> None:
        """Add the handler to a trainer."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.average.update)
