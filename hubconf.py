"""Entry points of torch.hub: `torch.hub.load("path/to/iunet-med", "iunet", source="local", spatial_dims=3, ...)`."""

from typing import Any

from iunet_med.networks import InvertibleUNet, IUNet

dependencies = ["torch"]


def iunet(**arguments: Any) -> IUNet:
    """Return `iunet_med.IUNet(**arguments)`, untrained; the arguments are documented there."""
    return IUNet(**arguments)


def invertible_unet(**arguments: Any) -> InvertibleUNet:
    """Return `iunet_med.InvertibleUNet(**arguments)`, untrained; the arguments are documented there."""
    return InvertibleUNet(**arguments)
