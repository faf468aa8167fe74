"""Whether Triton kernels can work on a tensor."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

HAS_TRITON = find_spec("triton") is not None
_fake_tensors_on_gpu = ContextVar("_fake_tensors_on_gpu", default=False)


@contextmanager
def fake_tensors_on_gpu() -> Iterator[None]:
    """Inside, tensors without data are treated as if they lay on a GPU that has Triton, to count its memory."""
    token = _fake_tensors_on_gpu.set(True)
    try:
        yield
    finally:
        _fake_tensors_on_gpu.reset(token)


def has_kernels(x: Tensor) -> bool:
    """Return True if Triton kernels can work on a tensor: on a GPU, outside of code that torch follows or compiles.

    Where the first one on a device fails, as without a C compiler, a warning says so, and torch's operations are used.
    """
    if torch.compiler.is_compiling():
        return False
    if isinstance(x, FakeTensor) and _fake_tensors_on_gpu.get():
        return True
    return HAS_TRITON and x.is_cuda and (isinstance(x, FakeTensor) or _run_on(x.device))


@cache
def _run_on(device: torch.device) -> bool:
    try:
        from iunet_med.nn import step_kernels

        step_kernels.units(
            torch.ones(8, dtype=torch.int16, device=device), torch.ones((), device=device), torch.float32
        )
    except Exception as error:  # Triton and the compilers below it raise anything
        warnings.warn(
            f"Triton's kernels do not run on {device} ({type(error).__name__}: {str(error).splitlines()[:1]}), so "
            "torch's own operations are used, which are slower and take more memory. Triton needs a C compiler: "
            "install gcc, for example.",
            stacklevel=2,
        )
        return False
    return True
