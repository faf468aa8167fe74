"""Instance normalisation and leaky ReLU in one pass on a GPU, where torch's own take the most time of a network.

Of the convolution before them only the output is kept for the backward pass, in its own type; torch keeps float32 under
autocast. `python -m benchmarks --tables kernels` prints the times.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import group_norm, leaky_relu

from iunet_med.nn.kernels import has_kernels
from iunet_med.nn.plain import has_hooks, is_recorded

SMALLEST = 2**21
"""Values from which the kernels are faster than torch's; `python -m benchmarks --tables kernels` times both."""


def is_fused(x: Tensor, norm: nn.Module, act: nn.Module) -> bool:
    """Return True if `normalise_and_activate` is right and faster than `act(norm(x))`."""
    return (
        has_kernels(x)
        and x.numel() >= SMALLEST
        and x.dtype in (torch.float32, torch.float16, torch.bfloat16)
        and x.is_contiguous()
        and isinstance(norm, nn.GroupNorm)
        and norm.affine
        and norm.num_groups == norm.num_channels
        and isinstance(act, nn.LeakyReLU | nn.ReLU)
        and not (is_recorded() or has_hooks(norm) or has_hooks(act))
    )


def normalise_and_activate(x: Tensor, norm: Any, act: Any) -> Tensor:
    """Return `act(norm(x))`, where `is_fused` allows it: computed in float32, in the type of `x`."""
    slope = act.negative_slope if isinstance(act, nn.LeakyReLU) else 0.0
    y: Tensor = _Fused.apply(x, norm.weight, norm.bias, norm.eps, slope)  # type: ignore[no-untyped-call]
    return y


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float, slope: float) -> Tensor:
        from iunet_med.nn import norm_kernels

        y, mean, scale = norm_kernels.forward(x, weight, bias, eps, slope)
        ctx.save_for_backward(x, weight, bias, mean, scale)
        ctx.eps, ctx.slope = eps, slope
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        from iunet_med.nn import norm_kernels

        x, weight, bias, mean, scale = ctx.saved_tensors
        if torch.is_grad_enabled():  # a second derivative is wanted: by torch's own operations
            y = leaky_relu(group_norm(x, x.shape[1], weight, bias, ctx.eps), ctx.slope)
            return *torch.autograd.grad(y, (x, weight, bias), grad.to(y.dtype), create_graph=True), None, None
        grads = norm_kernels.backward(x, grad.contiguous(), weight, bias, mean, scale, ctx.slope)
        return *grads, None, None
