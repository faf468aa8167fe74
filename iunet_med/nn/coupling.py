"""Couplings: one half of the channels changes by a function of the other, so any function will do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from iunet_med.nn.bijection import Bijection, zero_log_det
from iunet_med.nn.fixed_point import add_in_steps, in_steps, in_units, observe, subtract_in_steps_
from iunet_med.nn.parts import Halves, Parts, joined, own_halves, regrouped
from iunet_med.nn.random_state import RandomState
from iunet_med.nn.vjp import BackwardState, Evaluation, Tape


class Coupling(nn.Module, ABC):
    """A bijection of two halves (u, v), each (B, C / 2, *spatial), which swap places.

    `function` need not be invertible, but it must be a function: of random layers the draw is repeated in the backward
    pass, running statistics are refused there.
    """

    def __init__(self, function: nn.Module) -> None:
        super().__init__()
        self.function = function

    @abstractmethod
    def forward(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Couple two halves."""

    @abstractmethod
    def inverse(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Undo `forward`."""

    @abstractmethod
    def forward_and_log_det(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Couple two halves, and return the log-determinant there, shape (B,), by one evaluation of the function."""

    def push(self, u: Tensor, v: Tensor, tape: Tape) -> Halves:
        """Couple two halves without a graph."""
        coupled: Halves = self(u, v)
        return coupled

    @abstractmethod
    def pull_back(self, halves: Halves, grads: Halves, state: BackwardState) -> tuple[Halves, Halves]:
        """Return the halves before the coupling and their gradients, by one evaluation of the function.

        Adds the gradients of the parameters to the state's. The second half and the gradient of the first one may be
        changed in place.
        """


class AdditiveCoupling(Coupling):
    """u' = v; v' = u + F(v), with the inverse v = u'; u = v' - F(u'). Preserves volume.

    `function` maps (B, C / 2, *spatial) to the same shape.

    Source: Dinh et al. 2014, https://arxiv.org/abs/1410.8516.

    >>> coupling = AdditiveCoupling(nn.Conv1d(2, 2, 1))
    >>> u, v = torch.randn(2, 1, 2, 5).double().unbind()
    >>> coupling.double().inverse(*coupling(u, v))[0].allclose(u)
    True
    """

    def forward(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Couple two halves."""
        return v, u + self.function(v)

    def inverse(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Undo `forward`."""
        return v - self.function(u), u

    def forward_and_log_det(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `Coupling.forward_and_log_det`."""
        return *self(u, v), zero_log_det(u)

    def push(self, u: Tensor, v: Tensor, tape: Tape) -> Halves:
        """See `Coupling.push`; of halves in steps, int16, also take note of the largest value."""
        stream = tape.stream
        if stream is None:
            return v, u + tape.value(self.function, v)
        step, largest = stream.steps[tape.level], stream.largest[tape.level]
        return v, add_in_steps(u, tape.value(self.function, in_units(v, step)), step, largest)

    def pull_back(self, halves: Halves, grads: Halves, state: BackwardState) -> tuple[Halves, Halves]:
        """See `Coupling.pull_back`."""
        (u, v), (grad_u, grad_v) = halves, grads
        step = state.tape.step
        shift = state.tape.evaluate(self.function, u if step is None else in_units(u, step))
        u_before = v.sub_(shift.value) if step is None else subtract_in_steps_(v, shift.value, step)
        grad_function, parameter_grads = shift.pull_back(grad_v)
        state.gradients.add(shift.parameters, parameter_grads)
        return (u_before, u), (grad_v, grad_u.add_(grad_function))


class AffineCoupling(Coupling):
    """u' = v; v' = u exp(s) + t, where (tanh^-1 s, t) = F(v). Its log-determinant is the sum of s.

    `function` maps (B, C / 2, *spatial) to (B, C, *spatial). The log-scale s lies between -1 and 1.

    Source: Dinh, Sohl-Dickstein and Bengio 2017, https://arxiv.org/abs/1605.08803.

    >>> coupling = AffineCoupling(nn.Conv1d(2, 4, 1))
    >>> u, v = torch.randn(2, 1, 2, 5).unbind()
    >>> [half.shape for half in coupling(u, v)]
    [torch.Size([1, 2, 5]), torch.Size([1, 2, 5])]
    """

    def forward(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Couple two halves."""
        log_scale, shift = torch.chunk(self.log_scale_and_shift(v), 2, 1)
        return v, u * torch.exp(log_scale) + shift

    def forward_and_log_det(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `Coupling.forward_and_log_det`."""
        log_scale, shift = torch.chunk(self.log_scale_and_shift(v), 2, 1)
        return v, u * torch.exp(log_scale) + shift, log_scale.flatten(1).sum(1)

    def inverse(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Undo `forward`."""
        log_scale, shift = torch.chunk(self.log_scale_and_shift(u), 2, 1)
        return (v - shift) * torch.exp(-log_scale), u

    def log_scale_and_shift(self, v: Tensor) -> Tensor:
        """Return s and t, one above the other: (B, C, *spatial), in the type of `v`."""
        log_scale, shift = torch.chunk(self.function(v).to(v.dtype), 2, 1)
        return torch.cat([torch.tanh(log_scale), shift], 1)

    def push(self, u: Tensor, v: Tensor, tape: Tape) -> Halves:
        """See `Coupling.push`; the log-determinant is added to the tape's where it is wanted."""
        if tape.log_det is None:
            return super().push(u, v, tape)
        first, second, log_det = self.forward_and_log_det(u, v)
        tape.log_det = tape.log_det + log_det
        return first, second

    def pull_back(self, halves: Halves, grads: Halves, state: BackwardState) -> tuple[Halves, Halves]:
        """See `Coupling.pull_back`."""
        (u, v), (grad_u, grad_v) = halves, grads
        evaluation = Evaluation(self.function, self.log_scale_and_shift, u)
        log_scale, shift = evaluation.value.chunk(2, 1)
        scaled = v - shift
        grad_log_scale = grad_v * scaled
        if (grad_log_det := state.tape.grad_log_det) is not None:
            grad_log_scale += grad_log_det.reshape(-1, *[1] * (v.ndim - 1))
        grad_function, parameter_grads = evaluation.pull_back(torch.cat([grad_log_scale, grad_v], 1))
        state.gradients.add(evaluation.parameters, parameter_grads)
        return (scaled * torch.exp(-log_scale), u), (grad_v * torch.exp(log_scale), grad_function + grad_u)


class Couplings(Bijection):
    """Couplings one after the other: the channels are halved once before and joined once after all of them.

    Args:
        couplings: applied in their order.
        stored: in reversible backpropagation, whether to store the activations of these couplings after all: more
            memory, and one evaluation of each function less.

    >>> couplings = Couplings(AdditiveCoupling(nn.Conv1d(2, 2, 1)) for _ in range(3))
    >>> couplings(torch.zeros(1, 4, 5)).shape
    torch.Size([1, 4, 5])
    """

    def __init__(self, couplings: Iterable[Coupling], *, stored: bool = False) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(couplings)
        self.stored = stored

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
        """Return the sum over the couplings, shape (B,)."""
        return self.forward_and_log_det(x)[1]

    def forward_and_log_det(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """See `Bijection.forward_and_log_det`."""
        u, v = torch.chunk(x, 2, 1)
        total = zero_log_det(x)
        for coupling in self._couplings():
            u, v, log_det = coupling.forward_and_log_det(u, v)
            total = total + log_det
        return torch.cat([u, v], 1), total

    def push(self, x: Parts, tape: Tape) -> Parts:
        """See `Bijection.push`."""
        if self.stored:
            whole = joined(x)
            tape.append(Evaluation(self, self.forward, whole if tape.step is None else whole * tape.step))
            stored: Evaluation = tape[-1]
            if tape.stream is None or tape.step is None:
                return [stored.value]
            y = in_steps(stored.value, tape.step)
            observe(y.to(torch.int32), tape.stream.largest[tape.level])
            return [y]
        couplings = self._couplings()
        if not couplings:
            return x
        u, v = regrouped(x, 2)
        before = RandomState(u.device)
        for coupling in couplings:
            u, v = coupling.push(u, v, tape)
            after = RandomState(u.device)
            # Where nothing was drawn nothing is to be drawn again, which spares a GPU's queue many small calls.
            tape.append(nullcontext() if after == before else before.replayed())
            before = after
        return [u, v]

    def pull_back(self, state: BackwardState) -> None:
        """See `Bijection.pull_back`."""
        y, grad_y = state.take()
        if self.stored:
            stored: Evaluation = state.tape.pop()
            grad_x, parameter_grads = stored.pull_back(joined(grad_y))
            state.gradients.add(stored.parameters, parameter_grads)
            step = state.tape.step
            state.put([stored.x if step is None else in_steps(stored.x, step)], [grad_x])
            return
        halves = own_halves(y)
        grads = own_halves(grad_y)
        for coupling in reversed(self._couplings()):
            draws_again: AbstractContextManager[None] = state.tape.pop()
            with draws_again:
                halves, grads = coupling.pull_back(halves, grads, state)
        state.put(list(halves), list(grads))

    def _couplings(self) -> Sequence[Coupling]:
        return list(self.couplings)  # type: ignore[arg-type]
