"""Additive couplings: one half of the channels changes by a function of the other, so any function will do."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from iunet_med.nn.bijection import Bijection, zero_log_det
from iunet_med.nn.random_state import RandomState
from iunet_med.nn.vjp import BackwardState, Gradients, Tape, separate, vjp

Halves = tuple[Tensor, ...]


class AdditiveCoupling(nn.Module):
    """u' = v; v' = u + F(v), with the inverse v = u'; u = v' - F(u'). The halves swap places.

    `function` maps (B, C / 2, *spatial) to the same shape. It need not be invertible, but it must be a function: of
    random layers the draw is repeated in the backward pass, running statistics are refused there.

    Source: Dinh et al. 2014, https://arxiv.org/abs/1410.8516.
    """

    def __init__(self, function: nn.Module) -> None:
        super().__init__()
        self.function = function

    def forward(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Couple two halves, each (B, C / 2, *spatial)."""
        return v, u + self.function(v)

    def inverse(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Undo `forward`."""
        return v - self.function(u), u

    def push(self, u: Tensor, v: Tensor, tape: Tape) -> tuple[Tensor, Tensor]:
        """Couple without a graph; the random state that the function starts from goes on the tape."""
        tape.append(RandomState(v.device))
        u, v = self(u, v)
        return u, v

    def pull_back(self, halves: Halves, grads: Halves, tape: Tape, gradients: Gradients) -> tuple[Halves, Halves]:
        """Return the halves before the coupling and their gradients, by one evaluation of the function."""
        (u, v), (grad_u, grad_v) = halves, grads
        random_state: RandomState = tape.pop()
        with random_state.replayed():
            shift, grad_shift = vjp(self.function, self.function, u, grad_v, gradients)
        u_before = v - shift
        del shift, v
        return (u_before, u), (grad_v, grad_shift + grad_u)


class Couplings(Bijection):
    """Couplings one after the other: the channels are halved once before and joined once after all of them."""

    def __init__(self, couplings: Iterable[AdditiveCoupling]) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(couplings)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, *spatial) to the same shape, C even."""
        u, v = torch.chunk(x, 2, 1)
        for coupling in self.couplings:
            u, v = coupling(u, v)
        return torch.cat([u, v], 1)

    def inverse(self, y: Tensor) -> Tensor:
        """Undo `forward`."""
        u, v = torch.chunk(y, 2, 1)
        for coupling in reversed(self._couplings()):
            u, v = coupling.inverse(u, v)
        return torch.cat([u, v], 1)

    def log_det(self, x: Tensor) -> Tensor:
        """Return zeros of shape (B,)."""
        return zero_log_det(x)

    def push(self, x: Tensor, tape: Tape) -> Tensor:
        """See `Bijection.push`."""
        u, v = torch.chunk(x, 2, 1)
        for coupling in self._couplings():
            u, v = coupling.push(u, v, tape)
        return torch.cat([u, v], 1)

    def pull_back(self, state: BackwardState) -> None:
        """See `Bijection.pull_back`."""
        y, grad_y = state.take()
        halves = separate(y.chunk(2, 1))
        del y
        grads = separate(grad_y.chunk(2, 1))
        del grad_y
        for coupling in reversed(self._couplings()):
            halves, grads = coupling.pull_back(halves, grads, state.tape, state.gradients)
        x = torch.cat(halves, 1)
        del halves
        state.put(x, torch.cat(grads, 1))

    def _couplings(self) -> list[AdditiveCoupling]:
        return list(self.couplings)  # type: ignore[arg-type]
