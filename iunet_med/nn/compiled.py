"""The two passes through a coupling, compiled by torch: one pair of graphs for each level of a network and size.

Both passes are pure functions of the halves and the coupling's parameters. All couplings of a level have the same
shapes, so they share a pair, whatever their number. A pair for a whole U would be compiled more slowly, and would hold
two states more: its inputs, the network's output and the gradient of it, stay in memory for as long as it runs.
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

from iunet_med.nn.coupling import Coupling

MOST_PAIRS = 64
"""A network that meets more shapes, one per level and input size, runs uncompiled on the others."""

_OPTIONS: dict[str, str | int | bool | Callable[..., Any]] = {
    "fallback_random": True,  # both graphs draw from torch's own generator, so that dropout can be drawn again
}


class Compiled:
    """Calls the passes through the couplings of one network, compiled at the first use of each shape."""

    def __init__(self) -> None:
        self._functions: dict[tuple[Any, ...], Callable[..., Any]] = {}
        self._works = True

    def __call__(self, function: Any, coupling: Coupling, *args: Any) -> Any:
        """Return `function(coupling, *args)`; `function` is `push` or `pull`."""
        half: Tensor = args[0] if isinstance(args[0], Tensor) else args[0][0]
        key = (function, half.dtype, *half.shape)
        if key not in self._functions and len(self._functions) < 2 * MOST_PAIRS:
            self._functions[key] = torch.compile(_copy(function), dynamic=False, options=_OPTIONS)
        if not (self._works and coupling.compiles and key in self._functions):
            return function(coupling, *args)
        try:
            return self._functions[key](coupling, *args)
        except TorchDynamoException as error:
            self._works = False
            warnings.warn(
                f"torch.compile failed for a coupling ({str(error).splitlines()[0]}); the couplings run uncompiled.",
                stacklevel=2,
            )
            return function(coupling, *args)


_COMPILED: WeakKeyDictionary[nn.Module, Compiled] = WeakKeyDictionary()


def compiled_for(network: nn.Module) -> Compiled:
    """Return the compiled passes of `network`, which are kept for as long as it lives."""
    return _COMPILED.setdefault(network, Compiled())


def _copy(function: FunctionType) -> FunctionType:
    """Copy a function with a code object of its own, by which torch keeps and counts what it has compiled."""
    return FunctionType(function.__code__.replace(), function.__globals__, function.__name__)
