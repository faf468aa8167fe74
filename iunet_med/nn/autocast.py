"""Whether torch casts the operations on a tensor to a 16-bit type."""

import torch
from torch import Tensor


def is_autocast(x: Tensor) -> bool:
    """Return True if autocast is on for the device of a tensor; tensors without data, on "meta", have none."""
    return not x.is_meta and torch.is_autocast_enabled(x.device.type)
