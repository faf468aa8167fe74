"""Gradients pulled back through one evaluation of a map, and what the backward pass carries from map to map."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

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


def vjp(
    module: nn.Module, function: Callable[[Tensor], Tensor], x: Tensor, grad_y: Tensor, gradients: Gradients
) -> tuple[Tensor, Tensor]:
    """Evaluate `y = function(x)`, a method of `module`, once; return `y` and the gradient with respect to `x`.

    The gradients of `module`'s trainable parameters are added to `gradients`. `grad_y` has the shape of `y`.
    """
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        y = function(x)
    if not y.requires_grad:
        return y, torch.zeros_like(x)
    parameters = trainable(module)
    grad_x, *grads = torch.autograd.grad(y, [x, *parameters], grad_y.to(y.dtype), allow_unused=True)
    gradients.add(parameters, grads)
    return y.detach(), torch.zeros_like(x) if grad_x is None else grad_x
