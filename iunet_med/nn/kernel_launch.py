"""Triton, and how its kernels are started."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

try:
    import triton
    import triton.language as tl
except ImportError:  # what is left counts the memory of kernels that run elsewhere
    triton = SimpleNamespace(jit=lambda kernel: kernel, cdiv=lambda total, part: -(-total // part))
    tl = SimpleNamespace(constexpr=lambda value: value)

__all__ = ["launch", "tl", "triton"]


def launch(kernel: Any, grid: tuple[int, ...], x: Tensor, *args: Any, **constants: Any) -> None:
    """Start `kernel` on the device of its first argument, `x`; a tensor without data has nothing to compute."""
    if isinstance(x, FakeTensor):
        return
    with torch.cuda.device(x.device if x.is_cuda else -1):
        kernel[grid](x, *args, **constants)
