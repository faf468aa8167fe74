"""What a network accepts: inputs and options that it cannot honour get one clear error."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def check_choice(name: str, value: object, choices: Sequence[object]) -> None:
    """Raise ValueError unless `value` is among `choices`."""
    if value not in choices:
        raise ValueError(f"{name}={value!r} came; one of {', '.join(map(repr, choices))} is needed.")


def check_input(x: Tensor, channels: int, spatial_dims: int, device: torch.device) -> None:
    """Raise ValueError unless `x` is a floating-point tensor (B, channels, *spatial) on the network's device.

    While torch's anomaly detection is on (`torch.autograd.set_detect_anomaly(True)`), values that are not finite are
    an error too.
    """
    if x.dim() != spatial_dims + 2 or x.shape[1] != channels:
        raise ValueError(
            f"A tensor of shape {tuple(x.shape)} came; (batch, {channels} channels, {spatial_dims} spatial axes) is "
            "needed."
        )
    if not x.is_floating_point():
        raise ValueError(f"A tensor of type {x.dtype} came; a floating-point one is needed, such as x.float().")
    if x.device != device:
        raise ValueError(
            f"A tensor on {x.device} came and the network's weights are on {device}; move one of them: "
            f"x.to('{device}') or network.to('{x.device}')."
        )
    if torch.is_anomaly_enabled() and not torch.isfinite(x).all():
        bad = int((~torch.isfinite(x)).sum())
        raise ValueError(f"{bad} of {x.numel()} values of the input are not finite; clean the image before.")
