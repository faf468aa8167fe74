"""What a config says of a training step: network, loss, optimiser, and how its memory is predicted."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from monai.bundle import ConfigParser
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException
from torch.overrides import TorchFunctionMode

from iunet_med.memory import StepMemory, mean_square, predict_step_memory
from iunet_med.networks import network_reach

_MOMENTS = {"Adam": 2, "AdamW": 2, "Novograd": 1, "SGD": 1}
INVERTIBLE = ("IUNet", "InvertibleUNet")
_LEAST_MULTIPLE = 8
"""Crops are multiples of what the network halves down to one voxel, and of this at least."""


@dataclass(frozen=True)
class Parts:
    """Bytes of a training step by what they hold; `working` is activations and what backpropagation needs."""

    weights: int
    gradients: int
    optimiser: int
    images: int
    working: int

    @property
    def total(self) -> int:
        """All of them, at the peak."""
        return self.weights + self.gradients + self.optimiser + self.images + self.working


class _Ranges(TorchFunctionMode):
    """Lets MONAI's Dice work on tensors without data: it makes a range only to ask it for its numbers."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.arange and all(isinstance(one, int) for one in args) and not kwargs:
            return np.arange(*args)
        return func(*args, **(kwargs or {}))


class Recipe:
    """A config's training step, for other crops, channels and modes than it names.

    Args:
        parser: the config; it needs an id `network_def` or `network`, and `loss` and `optimizer` count if it has them.
        device_type: "cpu" or "cuda".
        bf16: whether autocast is on.

    Raises:
        ValueError: it has no network.
    """

    def __init__(self, parser: ConfigParser, *, device_type: Literal["cpu", "cuda"], bf16: bool) -> None:
        self.id = next((name for name in ("network_def", "network") if name in parser), "")
        if not self.id:
            raise ValueError("the config has no id `network_def` or `network`; add it, as in configs/segresnet.json.")
        self._parser = parser
        self._predicted: dict[tuple[Any, ...], Parts] = {}
        self.device_type, self.bf16 = device_type, bf16
        self.batch = math.prod(int(parser.get(name, 1)) for name in ("batch_size", "crops_per_case"))
        target = str(parser.get("optimizer::_target_", "AdamW")) if "optimizer" in parser else "AdamW"
        self.moments = _MOMENTS.get(target.rpartition(".")[2], 2)
        self.averaged = "average" in parser

    @property
    def channels(self) -> list[int] | None:
        """Channels of the levels, where the network has an argument for them."""
        name = f"{self.id}::channels"
        return list(self._parser.get_parsed_content(name)) if name in self._parser else None

    @property
    def levels(self) -> int:
        """How many levels can be stored or rebuilt; 0 for networks that only store."""
        return len(self.channels or ()) if self._name(self._parser) in INVERTIBLE else 0

    def id_of(self, argument: str) -> str:
        """Return the id that an overlay sets for an argument of the network: what it refers to, or its own."""
        name = f"{self.id}::{argument}"
        value = self._parser.get(name, "")
        plain = isinstance(value, str) and value.startswith("@") and value[1:].isidentifier()
        return value[1:] if plain else name

    @property
    def crop(self) -> tuple[int, ...] | None:
        """The config's crop."""
        return tuple(self._parser["roi_size"]) if "roi_size" in self._parser else None

    def multiple(self) -> tuple[int, ...]:
        """Return what crops are multiples of, per axis."""
        if "reach" in self._parser and self.id == "network_def":
            reach = self._parser.get_parsed_content("reach")
        else:
            reach = network_reach(self._network(self._parser))
        return tuple(max(int(step), _LEAST_MULTIPLE) for step in reach)

    def predict(self, crop: Sequence[int], *, backprop: Any = None, channels: Sequence[int] | None = None) -> Parts:
        """Predict the bytes of a step.

        Args:
            crop: (X, Y, Z).
            backprop: in place of the config's, where it has one.
            channels: likewise.

        Raises:
            ValueError: the network cannot be built, does not take the crop, or has sizes that depend on its data.
        """
        key = (tuple(crop), str(backprop), str(channels))
        if key not in self._predicted:
            self._predicted[key] = self._predict(crop, backprop=backprop, channels=channels)
        return self._predicted[key]

    def _predict(self, crop: Sequence[int], *, backprop: Any, channels: Sequence[int] | None) -> Parts:
        changed: dict[str, Any] = {}
        if backprop is not None and self.levels:
            changed[f"{self.id}::backprop"] = backprop
        if channels is not None:
            changed[f"{self.id}::channels"] = list(channels)
        parser = ConfigParser(copy.deepcopy(self._parser.get()))
        for name, value in changed.items():
            parser[name] = value
        shape = (self.batch, self._in_channels(parser), *crop)
        loss, target_bytes = self._loss(parser, shape)
        try:
            step: StepMemory = predict_step_memory(
                lambda: self._network(parser),
                shape,
                loss=loss,
                autocast=torch.bfloat16 if self.bf16 else None,
                device_type=self.device_type,
            )
        except DataDependentOutputException as error:
            raise ValueError(
                f"the sizes inside of {self._name(parser)} depend on its data ({error}), and a prediction has none; "
                "measure it on the device, or plan another network."
            ) from error
        weights = step.weights * (2 if self.averaged else 1)
        images = step.image + target_bytes()
        return Parts(weights, step.gradients, self.moments * step.gradients, images, step.rest - target_bytes())

    def _network(self, parser: ConfigParser) -> nn.Module:
        try:
            network = parser.get_parsed_content(self.id, instantiate=True)
        except Exception as error:  # networks raise anything for wrong arguments, and MONAI wraps it
            cause = error
            while cause.__cause__ is not None:
                cause = cause.__cause__  # type: ignore[assignment]
            if isinstance(cause, DataDependentOutputException):
                raise cause from error
            raise ValueError(f"the config's {self.id} cannot be built: {cause}") from error
        if not isinstance(network, nn.Module):
            raise ValueError(f"the config's {self.id} is a {type(network).__name__}; expected a network.")
        return network

    def _name(self, parser: ConfigParser) -> str:
        return str(parser.get(f"{self.id}::_target_", self.id)).rpartition(".")[2]

    def _in_channels(self, parser: ConfigParser) -> int:
        name = f"{self.id}::in_channels"
        if name not in parser:
            raise ValueError(f"the config's {self.id} has no in_channels; name it, so that the input's size is known.")
        return int(parser.get_parsed_content(name))

    def _loss(self, parser: ConfigParser, shape: Sequence[int]) -> tuple[Callable[[Any], Tensor], Callable[[], int]]:
        """The config's loss against a label of the result's shape, and the bytes of that label."""
        function = parser.get_parsed_content("loss", instantiate=True) if "loss" in parser else None
        taken = [0]

        def loss(result: Any) -> Tensor:
            logits = result[0] if isinstance(result, list | tuple) else result
            if function is None:
                return mean_square(logits)
            one_channel = getattr(getattr(function, "dice", function), "to_onehot_y", False)
            label = logits.new_zeros((shape[0], 1 if one_channel else logits.shape[1], *shape[2:]), dtype=torch.float32)
            taken[0] = label.nbytes
            with _Ranges():
                value: Tensor = function(result, label)
            return value

        return loss, lambda: taken[0]
