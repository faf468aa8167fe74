"""One evaluation of a map for both its value and its gradient, and what the backward pass carries along."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge

Tape = list[Any]


class Gradients(dict[Tensor, Tensor]):
    """Gradients by parameter; those of a parameter that is used more than once add up."""

    def add(self, parameters: Iterable[Tensor], gradients: Iterable[Tensor | None]) -> None:
        """Add one gradient to each parameter; None stands for a parameter that was not used."""
        for parameter, gradient in zip(parameters, gradients, strict=True):
            if gradient is not None:
                self[parameter] = self[parameter] + gradient if parameter in self else gradient


class BackwardState:
    """The value and the gradient at the point that the backward pass has reached.

    They live here and not in arguments, because a caller's frame would keep them alive while the callee replaces
    them: `take` hands over the only reference.

    Attributes:
        tape: what `Bijection.push` laid down, the newest last.
        gradients: gradients of the parameters passed so far.
    """

    def __init__(self, y: Tensor, grad_y: Tensor, tape: Tape) -> None:
        self._held: list[Tensor] = [y, grad_y]
        self.tape = tape
        self.gradients = Gradients()

    def take(self) -> tuple[Tensor, Tensor]:
        """Return value and gradient and let go of them."""
        value, grad = self._held
        self._held = []
        return value, grad

    def put(self, value: Tensor, grad: Tensor) -> None:
        """Hold value and gradient at the next point."""
        self._held = [value, grad]


def separate(parts: Iterable[Tensor]) -> tuple[Tensor, ...]:
    """Copy views of one tensor into memory of their own, so that each can be freed before the others."""
    return tuple(part.clone(memory_format=torch.contiguous_format) for part in parts)


def trainable(module: nn.Module) -> list[nn.Parameter]:
    """List the parameters of `module` that want a gradient, each once."""
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


class Evaluation:
    """`y = function(x)`, evaluated once with a graph, to be pulled back once.

    `function` is `module` or a method of it.
    """

    def __init__(self, module: nn.Module, function: Callable[[Tensor], Tensor], x: Tensor) -> None:
        self._parameters = trainable(module)
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

    def pull_back(self, grad_y: Tensor, gradients: Gradients) -> Tensor:
        """Return the gradient with respect to `x`; add those of the module's trainable parameters to `gradients`."""
        y, self._y = self._y, None
        if y is None or not y.requires_grad:
            return torch.zeros_like(self._leaf)
        grad_y, edge = grad_y.to(y.dtype), get_gradient_edge(y)
        del y
        inputs = [self._leaf, *self._parameters]
        grad_x, *grads = torch.autograd.grad([edge], inputs, [grad_y], allow_unused=True)
        gradients.add(self._parameters, grads)
        return torch.zeros_like(self._leaf) if grad_x is None else grad_x
