"""How a Triton kernel is started."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor


def launch(kernel: Any, grid: tuple[int, ...], x: Tensor, *args: Any, **constants: Any) -> None:
    """Start `kernel` on the device of its first argument, `x`; a tensor without data has nothing to compute."""
    if isinstance(x, FakeTensor):
        return
    with torch.cuda.device(x.device if x.is_cuda else -1):
        kernel[grid](x, *args, **constants)
