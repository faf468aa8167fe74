"""What is around a call: casts to a 16-bit type, or an export."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def is_autocast(x: Tensor) -> bool:
    """Return True if autocast is on for the device of a tensor; tensors without data, on "meta", have none."""
    return not x.is_meta and torch.is_autocast_enabled(x.device.type)


def full_precision(x: Tensor) -> AbstractContextManager[object]:
    """Switch autocast off where it is on: a product in a low type would lose what an inverse needs."""
    return torch.autocast(x.device.type, enabled=False) if is_autocast(x) else nullcontext()


def is_exporting() -> bool:
    """Return True while `torch.export` follows the network; torch 2.11 says so in `torch.compile`, too."""
    return torch.compiler.is_exporting() and not torch.compiler.is_dynamo_compiling()
