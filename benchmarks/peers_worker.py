"""Runs in the peers' environment: steps of ours and theirs in turns, printed as one line of JSON."""

from __future__ import annotations

import json
import sys

import torch
from iunets import iUNet
from iunets.layers import StandardAdditiveCoupling
from torch import nn

from benchmarks.timing import in_turns, training_step
from iunet_med.memory import count_step_memory
from iunet_med.networks import InvertibleUNet
from iunet_med.nn import ConvolutionalBlock

CHANNELS = (32, 64, 128)
COUPLINGS = 4
NEVER = 10**9
ACT = ("leakyrelu", {"negative_slope": 0.01, "inplace": True})


def coupling(channels: int, **_: object) -> nn.Module:
    """Return the peers' coupling with our function in it, so that both do the same arithmetic."""
    half = channels // 2
    function = ConvolutionalBlock(3, half, kernel_size=3, depth=1, norm="group", act=ACT, dropout=0.0)
    return StandardAdditiveCoupling(F=function, channel_split_pos=half)


def theirs(*, stored: bool) -> nn.Module:
    """Return the peers' network, without the channel mixing that ours does not have."""
    return iUNet(
        CHANNELS[0],
        (COUPLINGS,) * len(CHANNELS),
        3,
        create_module_fn=coupling,
        channel_mixing_freq=NEVER,
        disable_custom_gradient=stored,
    )


def main(size: int, rounds: int) -> None:
    """Measure and print."""
    networks = {
        "ours, reversible": InvertibleUNet(3, CHANNELS, couplings=COUPLINGS, norm="group"),
        "ours, stored": InvertibleUNet(3, CHANNELS, couplings=COUPLINGS, norm="group", backprop="stored"),
        "iunets + memcnn, reversible": theirs(stored=False),
        "iunets, stored": theirs(stored=True),
    }
    image = torch.randn(1, CHANNELS[0], size, size, size)
    times = in_turns({name: training_step(network, image) for name, network in networks.items()}, rounds)
    result = {
        name: {
            "seconds": times[name],
            # A copy, because memcnn empties its caller's tensor.
            "peak": count_step_memory(network, image.clone()).peak,
            "parameters": sum(p.numel() for p in network.parameters()),
        }
        for name, network in networks.items()
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
