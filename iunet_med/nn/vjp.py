"""One evaluation of a map for both its value and its gradient, and what the two passes carry along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge

from iunet_med.nn.fixed_point import Stream
from iunet_med.nn.parts import Parts


def call(function: nn.Module, x: Tensor) -> Tensor:
    """Return `function(x)`."""
    y: Tensor = function(x)
    return y


class Tape(list[Any]):
    """What the forward pass lays down for the backward pass, the newest last, and what both passes are given.

    Attributes:
        matrices: those of the isometries, computed once per step; torch differentiates them. An isometry that is not
            among them computes its own.
        call: calls the function of a coupling, as it is or compiled.
        stream: of a fixed-point state, else None.
        level: of the state at the point that the pass has reached; resampling leads from one to another.
        integers: the matrices that kernels for a state in steps have rounded.
        log_det: the log-determinant of what the forward pass has done, (B,); None if it is not wanted.
        grad_log_det: its gradient, (B,), in the backward pass.
    """

    def __init__(
        self,
        *,
        matrices: Mapping[nn.Module, Tensor] | None = None,
        call: Callable[[nn.Module, Tensor], Tensor] = call,
        stream: Stream | None = None,
        level: int = 0,
    ) -> None:
        super().__init__()
        self.matrices = dict(matrices or {})
        self.call = call
        self.stream = stream
        self.level = level
        self.integers: dict[nn.Module, Tensor] = {}
        self.log_det: Tensor | None = None
        self.grad_log_det: Tensor | None = None

    @property
    def step(self) -> Tensor | None:
        """The step of the level; None for a floating-point state."""
        return None if self.stream is None else self.stream.steps[self.level]

    def value(self, function: nn.Module, x: Tensor) -> Tensor:
        """Return `function(x)` without a graph, and with the bits that `evaluate` finds again."""
        if self.call is call:
            return call(function, x)
        # Compiled code without a graph would be other code, whose sums are rounded otherwise.
        with torch.enable_grad():
            return self.call(function, x.detach().requires_grad_()).detach()

    def evaluate(self, function: nn.Module, x: Tensor) -> Evaluation:
        """Return the evaluation of a coupling's function."""
        return Evaluation(function, partial(self.call, function), x)


class Gradients(dict[Tensor, Tensor]):
    """Gradients by parameter; those of a parameter that is used more than once add up."""

    def add(self, parameters: Iterable[Tensor], gradients: Iterable[Tensor | None]) -> None:
        """Add one gradient to each parameter; None stands for a parameter that was not used."""
        for parameter, gradient in zip(parameters, gradients, strict=True):
            if gradient is not None:
                self[parameter] = self[parameter] + gradient if parameter in self else gradient


class BackwardState:
    """The value and the gradient, each in parts, at the point that the backward pass has reached.

    They live here and not in arguments, because a caller's frame would keep them alive while the callee replaces
    them: `take` hands over the only reference.

    Attributes:
        tape: what `Bijection.push` laid down, the newest last.
        gradients: gradients of the parameters passed so far.
    """

    def __init__(self, values: Parts, grads: Parts, tape: Tape) -> None:
        self._held = (values, grads)
        self.tape = tape
        self.gradients = Gradients()

    def take(self) -> tuple[Parts, Parts]:
        """Return value and gradient and let go of them."""
        held, self._held = self._held, ([], [])
        return held

    def put(self, values: Parts, grads: Parts) -> None:
        """Hold value and gradient at the next point."""
        self._held = (values, grads)


def all_modules(module: nn.Module) -> list[nn.Module]:
    """List `module` and those inside it, each once, in the order of `module.modules()`.

    The nested generators of torch's own method take milliseconds of every step.
    """
    found: dict[nn.Module, None] = {}
    waiting = [module]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found[one] = None
            waiting.extend(child for child in reversed(one._modules.values()) if child is not None)
    return list(found)


def trainable(module: nn.Module) -> list[nn.Parameter]:
    """List the parameters of `module` that want a gradient, each once."""
    parameters = (p for one in all_modules(module) for p in one._parameters.values())
    return list(dict.fromkeys(p for p in parameters if p is not None and p.requires_grad))


class Evaluation:
    """`y = function(x)`, evaluated once with a graph, to be pulled back once.

    `function` is `module` or a method of it.

    Attributes:
        x: where.
        parameters: the module's trainable ones.
    """

    def __init__(self, module: nn.Module, function: Callable[[Tensor], Tensor], x: Tensor) -> None:
        self.parameters = trainable(module)
        self.x = x.detach()
        self._leaf = x.detach().requires_grad_()
        with torch.enable_grad():
            self._y: Tensor | None = function(self._leaf)

    @property
    def value(self) -> Tensor:
        """Return `y` without the graph; not kept, so that it is freed as soon as `pull_back` needs it no longer."""
        if self._y is None:
            raise RuntimeError("The value of an evaluation is gone after it was pulled back.")
        return self._y.detach()

    def pull_back(self, grad_y: Tensor) -> tuple[Tensor, list[Tensor | None]]:
        """Return the gradient with respect to `x`, and those of `parameters`."""
        y, self._y = self._y, None
        if y is None or not y.requires_grad:
            return torch.zeros_like(self._leaf), [None] * len(self.parameters)
        grad_y, edge = grad_y.to(y.dtype), get_gradient_edge(y)
        del y
        inputs = [self._leaf, *self.parameters]
        gradients: list[Tensor | None] = list(torch.autograd.grad([edge], inputs, [grad_y], allow_unused=True))
        grad_x = gradients.pop(0)
        return torch.zeros_like(self._leaf) if grad_x is None else grad_x, gradients
