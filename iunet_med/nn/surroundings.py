"""What is around a call: casts to a 16-bit type, an export, kernels for a GPU."""

from importlib.util import find_spec

import torch
from torch import Tensor

HAS_TRITON = find_spec("triton") is not None


def is_autocast(x: Tensor) -> bool:
    """Return True if autocast is on for the device of a tensor; tensors without data, on "meta", have none."""
    return not x.is_meta and torch.is_autocast_enabled(x.device.type)


def is_exporting() -> bool:
    """Return True while `torch.export` follows the network; torch 2.11 says so in `torch.compile`, too."""
    return torch.compiler.is_exporting() and not torch.compiler.is_dynamo_compiling()


def has_kernels(x: Tensor) -> bool:
    """Return True if Triton kernels can work on a tensor: on a GPU, outside of code that torch follows or compiles."""
    return HAS_TRITON and x.is_cuda and not torch.compiler.is_compiling()
