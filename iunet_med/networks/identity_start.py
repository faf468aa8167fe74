"""Lets an IUNet start as the identity, as a network that restores images should: it changes nothing until it learns."""

from typing import Any

import torch
from torch import nn

from iunet_med.networks.iunet import IUNet
from iunet_med.nn.coupling import AdditiveCoupling

NORMS = (nn.GroupNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@torch.no_grad()
def start_as_identity(network: IUNet) -> IUNet:
    """Set an IUNet's weights so that it returns its input, and return the network.

    Each channel of the U carries a copy of one of the input's channels, the couplings add nothing, as the last norm of
    each is zero, what is resampled comes back, and the last convolution takes the mean of the copies.

    Raises:
        ValueError: input and output have not the same channels, or the couplings have no norm to be zero.

    Source: the authors' training for restoration, Etmann, Ke and Schönlieb 2020, https://arxiv.org/abs/2005.05220.

    >>> network = start_as_identity(IUNet(3, 1, 1, (4, 8)))
    >>> x = torch.randn(1, 1, 8, 8, 8)
    >>> torch.allclose(network(x), x, atol=1e-5)
    True
    """
    lift: Any = network.lift
    head: Any = network.head
    inputs, outputs, width = network.in_channels, head.out_channels, head.in_channels
    if inputs != outputs:
        raise ValueError(f"an identity has as many channels out as in; expected {inputs} out_channels, got {outputs}.")
    couplings = [one for one in network.modules() if isinstance(one, AdditiveCoupling)]
    for coupling in couplings:
        norms = [layer for layer in coupling.function.modules() if isinstance(layer, NORMS) and layer.affine]
        if not norms:
            raise ValueError("start_as_identity: expected couplings with a norm that has a weight; set `norm`.")
        nn.init.zeros_(norms[-1].weight)
        nn.init.zeros_(norms[-1].bias)
    source = [channel % inputs for channel in range(width)]
    middle = tuple(length // 2 for length in lift.kernel_size)
    for convolution in (lift, head):
        nn.init.zeros_(convolution.weight)
        if convolution.bias is not None:
            nn.init.zeros_(convolution.bias)
    for channel, of in enumerate(source):
        lift.weight[channel, of][middle] = 1.0
        head.weight[of, channel] = 1 / source.count(of)
    return network
