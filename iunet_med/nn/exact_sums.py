"""A grid of values on which float32 additions are exact, so that what a coupling added can be taken away bit for bit.

It is for training under autocast: there a value rebuilt one float32 rounding off is now and then cast to another bf16
value, an error as large as bf16's, and deep networks amplify it. On the grid the rebuilt values are the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from iunet_med.nn.surroundings import is_autocast
from iunet_med.nn.vjp import Tape

SPACING = 2.0**-14
"""float32 has 24 bits: sums of multiples of 2^-14 are exact while they lie between -1024 and 1024.

The spacing is below bf16's at values above 2^-6, fp16's above 2^-3. Beyond 1024 sums are rounded as everywhere.
"""


def to_grid(x: Tensor) -> Tensor:
    """Round to multiples of `SPACING`, at least in float32; the derivative is that of the identity."""
    if torch.compiler.is_compiling():
        # torch 2.11 compiles the function below to code with other gradients, without a word.
        return _rounded(x.detach()) + (x - x.detach())
    y: Tensor = _ToGrid.apply(x)  # type: ignore[no-untyped-call]
    return y


def is_low(dtype: torch.dtype) -> bool:
    """Return True for the 16-bit floating-point types, in which nothing can be added and taken away again."""
    return dtype in (torch.float16, torch.bfloat16)


def rounds(module: nn.Module, x: Tensor) -> bool:
    """Return True if a module rounds its result to the grid: in training, where functions compute in a 16-bit type."""
    if not module.training:
        return False
    weight = next(module.parameters(), x)
    return is_autocast(x) or is_low(weight.dtype)


class ToGrid(nn.Module):
    """Round to the grid where `rounds` says so; else the identity."""

    def forward(self, x: Tensor) -> Tensor:
        """Map any shape to the same shape."""
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            return x
        else:  # noqa: RET505  (TorchScript would compile it without the else)
            return to_grid(x) if rounds(self, x) else x


def push_on_grid(
    forward: Callable[[Tensor], Tensor], inverse: Callable[[Tensor], Tensor], x: Tensor, tape: Tape
) -> Tensor:
    """Return `forward(x)`, and lay on `tape` what the inverse misses of `x`: one byte per value.

    `x` and what the maps return lie on the grid. Of an isometry of vectors of n values, at most sqrt(n) / 2 + 1 / 2
    steps are missed.

    Source: what rounding loses is kept aside, as in Maclaurin et al. 2015, https://arxiv.org/abs/1502.03492.
    """
    y = forward(x)
    tape.append((x - inverse(y)).mul_(1 / SPACING).to(torch.int8))
    return y


def pull_back_to_grid(x: Tensor, tape: Tape) -> Tensor:
    """Return the input of `push_on_grid`, given the inverse of its output."""
    missed: Tensor = tape.pop()
    return to_grid(x).add_(missed, alpha=SPACING)


def _rounded(x: Tensor) -> Tensor:
    wide = torch.promote_types(x.dtype, torch.float32)
    return x.to(wide, copy=True).mul_(1 / SPACING).round_().mul_(SPACING)


class _ToGrid(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.dtype = x.dtype
        return _rounded(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad.to(ctx.dtype)
