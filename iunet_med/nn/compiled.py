"""Functions of couplings compiled by torch: one pair of graphs, forward and backward, for each level and input size.

All couplings of a level have the same shapes, so they share a pair, whatever their number. Both passes of reversible
backpropagation run the same forward graph: another one, such as one for a whole pass, would round its sums otherwise,
and the backward pass would not rebuild what there was in the forward pass.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch._dynamo.exc import TorchDynamoException

from iunet_med.nn.vjp import call

MOST_SHAPES = 64
"""A network that meets more shapes, one per level and input size, runs uncompiled on the others."""


class CompiledCalls:
    """Calls the functions of one network's couplings, compiled at the first use of each shape."""

    def __init__(self) -> None:
        self._calls: dict[tuple[Any, ...], Callable[[nn.Module, Tensor], Tensor]] = {}
        self._works = True

    def __call__(self, function: nn.Module, x: Tensor) -> Tensor:
        """Return `function(x)`."""
        key = (x.dtype, *x.shape)
        if key not in self._calls and len(self._calls) < MOST_SHAPES:
            self._calls[key] = torch.compile(_copy(call), dynamic=False)
        if not self._works or key not in self._calls:
            return call(function, x)
        try:
            return self._calls[key](function, x)
        except TorchDynamoException as error:
            self._works = False
            warnings.warn(
                f"torch.compile failed for a coupling ({str(error).splitlines()[0]}); the couplings run uncompiled.",
                stacklevel=2,
            )
            return call(function, x)


_COMPILED: WeakKeyDictionary[nn.Module, CompiledCalls] = WeakKeyDictionary()


def compiled_calls(network: nn.Module) -> CompiledCalls:
    """Return the compiled calls of `network`, which are kept for as long as it lives."""
    return _COMPILED.setdefault(network, CompiledCalls())


def _copy(function: Any) -> FunctionType:
    """Copy a function with a code object of its own, by which torch keeps and counts what it has compiled."""
    return FunctionType(function.__code__.replace(), function.__globals__, function.__name__)
