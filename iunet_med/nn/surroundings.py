"""What is around a call: casts to a 16-bit type, or an export."""

import torch
from torch import Tensor


def is_autocast(x: Tensor) -> bool:
    """Return True if autocast is on for the device of a tensor; tensors without data, on "meta", have none."""
    return not x.is_meta and torch.is_autocast_enabled(x.device.type)


def is_exporting() -> bool:
    """Return True while `torch.export` follows the network; torch 2.11 says so in `torch.compile`, too."""
    return torch.compiler.is_exporting() and not torch.compiler.is_dynamo_compiling()
