"""A state of 16-bit integers, in steps of a power of two: couplings add to it exactly, in any floating-point type.

The stream between couplings takes half the memory of float32. A coupling adds its function's value, rounded to steps,
with wrap-around, so that the backward pass takes away the same integers and rebuilds every state bit for bit, at any
depth. Rounding counts as the identity in the backward pass. `Steps` watches the range of the values and doubles or
halves the step in time; a value that leaves the range of 16 bits wraps around, which spoils one step of training.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor

from iunet_med.nn.kernels import has_kernels
from iunet_med.nn.surroundings import is_autocast

LARGEST = 2**15 - 1
COARSEN_ABOVE = 2**14
"""In steps: where a level's largest value is above, its step doubles, before the value leaves the range."""
REFINE_BELOW = 2**12
"""In steps: where a level's largest value is below, its step halves."""
MOST_APART = 2**5
"""Between the steps of two levels: what a value loses on its way to coarser steps must fit a byte."""
CALIBRATIONS = 20
"""Forward passes at the first batch in search of the steps; each makes those that were too small 4 times larger."""


class Stream:
    """What one pass through a network knows of its fixed-point state.

    Attributes:
        steps: one scalar per level.
        exponents: their logarithms to base 2, int32.
        largest: the largest absolute value met at each level, in steps, int32; 0 where there was none.
    """

    def __init__(self, steps: Tensor) -> None:
        self.steps = [step.clone() for step in steps]
        self.exponents = list(torch.log2(steps).round().to(torch.int32))
        self.largest = list(torch.zeros(len(steps), dtype=torch.int32, device=steps.device))


class Steps(nn.Module):
    """The step of each level, a power of two: found at the first training batch, adapted at every further one.

    Args:
        levels: how many.

    Attributes:
        step: (levels,), zeros before the first batch.
        largest: the largest absolute value of each level in the last pass, in steps.
        overflows: in how many passes a value of each level left the range of 16 bits.
    """

    step: Tensor
    largest: Tensor
    overflows: Tensor

    def __init__(self, levels: int) -> None:
        super().__init__()
        # Not in the state dict: weights mean the same with any steps, and the first batch finds these again.
        self.register_buffer("step", torch.zeros(levels), persistent=False)
        self.register_buffer("largest", torch.zeros(levels), persistent=False)
        self.register_buffer("overflows", torch.zeros(levels), persistent=False)
        self._are_found = False
        self._told = 0.0
        self._copy: tuple[Tensor, torch.cuda.Event | None] | None = None

    @torch.no_grad()
    def begin(self, x: Tensor, push: Callable[[Tensor, Stream], object]) -> Stream:
        """Return the stream of a pass whose state starts as `x`, at level 0.

        At the first batch, `push` must run the forward pass, as often as it is called. Warns of overflows in earlier
        passes as soon as they are known without waiting for a GPU.
        """
        if self._are_found:
            self._tell()
            self._set(torch.where(self.largest > COARSEN_ABOVE, 2 * self.step, self.step))
            self._set(torch.where((self.largest > 0) & (self.largest < REFINE_BELOW), self.step / 2, self.step))
            return Stream(self.step)
        smallest = torch.finfo(torch.float32).tiny ** 0.5
        self._set(_power_of_two(x.abs().amax().float().clamp(min=smallest) / COARSEN_ABOVE).expand(len(self.step)))
        for _ in range(CALIBRATIONS):
            stream = Stream(self.step)
            push(x, stream)
            self._observe(stream)
            if isinstance(self.largest, FakeTensor) or bool((self.largest <= COARSEN_ABOVE).all()):
                break
            self._set(torch.where(self.largest > COARSEN_ABOVE, 4 * self.step, self.step))
        self._set(_power_of_two(self.step * self.largest.clamp(min=1) / COARSEN_ABOVE))
        self._are_found = True
        return Stream(self.step)

    @torch.no_grad()
    def end(self, stream: Stream) -> None:
        """Take note of what a pass has met."""
        self._observe(stream)
        self.overflows = self.overflows + (self.largest > LARGEST)
        self._copy = _for_the_host(self.overflows)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy of the network takes along: not the event of a GPU, which cannot be copied."""
        return {**self.__dict__, "_copy": None}

    def _observe(self, stream: Stream) -> None:
        self.largest = torch.stack(stream.largest).float()

    def _set(self, step: Tensor) -> None:
        self.step = torch.maximum(step, step.amax() / MOST_APART)

    def _tell(self) -> None:
        if self._copy is None or (self._copy[1] is not None and not self._copy[1].query()):  # type: ignore[no-untyped-call]
            return
        if isinstance(self._copy[0], FakeTensor):
            return
        overflows: list[float] = self._copy[0].tolist()
        if sum(overflows) > self._told:
            self._told = sum(overflows)
            counts = [f"level {level}: {int(count)}" for level, count in enumerate(overflows) if count]
            warnings.warn(
                f"state='fixed16': values left the range of 16 bits, which spoils the gradients of that training step. "
                f"Training steps so far with such values, {', '.join(counts)}. The network's steps grow until the "
                f"values fit: they are now {[f'{step:.3g}' for step in self.step.tolist()]}. If this goes on, the "
                "values grow without bound: lower the learning rate, or set state='float'.",
                stacklevel=2,
            )


def in_steps(x: Tensor, step: Tensor) -> Tensor:
    """Return `x` in steps, as int16; values beyond its range become its ends."""
    # A product with a power of two loses nothing in any floating-point type.
    return (x * step.reciprocal()).round_().clamp_(-LARGEST, LARGEST).to(torch.int16)


def in_units(x: Tensor, step: Tensor) -> Tensor:
    """Return the values of steps, in the type of autocast where it is on, else float32."""
    dtype = torch.get_autocast_dtype(x.device.type) if is_autocast(x) else torch.float32
    if has_kernels(x):
        values: Tensor = _kernels().units(x, step, dtype)
        return values
    return x.to(dtype).mul_(step)


def observe(x: Tensor, largest: Tensor) -> None:
    """Raise `largest` to the largest absolute value of `x`, int32."""
    low, high = torch.aminmax(x)
    torch.maximum(largest, torch.maximum(-low, high), out=largest)


def add_in_steps(u: Tensor, shift: Tensor, step: Tensor, largest: Tensor) -> Tensor:
    """Return `u`, int16, plus `shift` in steps, with wrap-around; raise `largest` to the largest absolute value."""
    if has_kernels(u):
        total: Tensor = _kernels().add(u, shift.contiguous(), step, largest)
        return total
    total = u.to(torch.int32).add_(in_steps(shift, step))
    observe(total, largest)
    return total.to(torch.int16)


def subtract_in_steps_(v: Tensor, shift: Tensor, step: Tensor) -> Tensor:
    """Take `shift` in steps away from `v`, int16, with wrap-around, in place."""
    if has_kernels(v):
        _kernels().subtract_(v, shift.contiguous(), step)
        return v
    return v.sub_(in_steps(shift, step))


def _kernels() -> Any:
    from iunet_med.nn import step_kernels

    return step_kernels


def _power_of_two(x: Tensor) -> Tensor:
    return torch.exp2(torch.ceil(torch.log2(x)))


def _for_the_host(x: Tensor) -> tuple[Tensor, torch.cuda.Event | None]:
    """Return a copy on the CPU, and what tells when it is there."""
    if not x.is_cuda:
        return x, None
    copy = torch.empty(x.shape, dtype=x.dtype, pin_memory=True).copy_(x, non_blocking=True)
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record()
    return copy, event
