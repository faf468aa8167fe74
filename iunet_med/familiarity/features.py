"""What a network sees in an image, as one vector: its codes of every level, pooled."""

from collections.abc import Sequence
from typing import Any

import torch
from monai.transforms import CenterSpatialCrop, SpatialPad
from torch import Tensor

from iunet_med.networks import IUNet


@torch.no_grad()
def pooled_features(network: Any, image: Tensor, *, size: Sequence[int]) -> Tensor:
    """Return mean and standard deviation of every channel of every level's code, (features,), in float64 on the CPU.

    Args:
        network: an `IUNet` in evaluation mode.
        image: preprocessed as for the network, (C, *spatial).
        size: of the part in the middle that is looked at; smaller images are padded with zeros, as windows are.

    Raises:
        ValueError: another network, whose codes are unknown.

    >>> pooled_features(IUNet(2, 1, 2, (4, 8)).eval(), torch.rand(1, 20, 17), size=(16, 16)).shape
    torch.Size([20])
    """
    if not isinstance(network, IUNet):
        raise ValueError(
            f"familiarity is measured by the codes of an IUNet, got a {type(network).__name__}; use a bundle whose "
            "network is an IUNet."
        )
    part = CenterSpatialCrop(size)(SpatialPad(size)(image))
    weight = next(network.parameters())
    codes = network.unet.encode(network.lift(torch.as_tensor(part)[None].to(weight)))
    pooled = [torch.cat([code.mean(axes), code.std(axes, correction=0)]) for code in codes for axes in [_spatial(code)]]
    return torch.cat(pooled).double().cpu()


def _spatial(code: Tensor) -> tuple[int, ...]:
    return (0, *range(2, code.dim()))
