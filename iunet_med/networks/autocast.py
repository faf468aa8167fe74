"""Mixed precision on a CPU, where MONAI's `amp` does nothing."""

from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def in_bfloat16(network: Network) -> Network:
    """Let a network compute in bfloat16 wherever it is called, and return it; its output stays float32.

    For a CPU with instructions for bfloat16; docs/benchmarks.md has the time of a step in both types on one. A copy
    of the network computes in its own type again.

    >>> in_bfloat16(nn.Conv3d(1, 1, 1))(torch.zeros(1, 1, 2, 2, 2)).dtype
    torch.float32
    """
    forward = network.forward

    def cast(*arguments: object, **named: object) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            result: torch.Tensor = forward(*arguments, **named)
        return result.float()

    network.forward = cast
    return network
