"""What a network accepts: inputs and options that it cannot honour get one clear error."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from iunet_med.nn.blocks import Kernel


def check_choice(name: str, value: object, choices: Sequence[object]) -> None:
    """Raise ValueError unless `value` is among `choices`."""
    if value not in choices:
        raise ValueError(f"Unknown {name}={value!r}; choose one of {', '.join(map(repr, choices))}.")


def per_level(name: str, counts: int | Sequence[int], levels: int) -> tuple[int, ...]:
    """Return one count per level of a network; ValueError for other numbers of them, or counts below 1."""
    spelt = (counts,) * levels if isinstance(counts, int) else tuple(counts)
    if len(spelt) != levels or min(spelt) < 1:
        raise ValueError(f"{name}={counts}: expected one integer >= 1, or one per level ({levels}).")
    return spelt


def kernels_per_level(kernel_size: Kernel | Sequence[Sequence[int]], levels: int) -> list[Kernel]:
    """Return the kernel of each level; ValueError for another number of them."""
    if isinstance(kernel_size, int) or all(isinstance(length, int) for length in kernel_size):
        return [kernel_size] * levels  # type: ignore[list-item]
    if len(kernel_size) != levels or any(isinstance(kernel, int) for kernel in kernel_size):
        raise ValueError(
            f"kernel_size={kernel_size}: expected an odd length, one per axis, or such a tuple for each of the "
            f"{levels} levels."
        )
    return [tuple(kernel) for kernel in kernel_size]  # type: ignore[arg-type]


def check_named(positional: tuple[object, ...]) -> None:
    """Raise TypeError for arguments after `channels` that are given by position.

    MONAI's networks take `strides` there, so that a number of couplings would be taken for one silently.
    """
    if positional:
        raise TypeError(
            f"Expected keywords after channels, got {positional[0]!r} by position; write strides={positional[0]!r} if "
            "it is what MONAI's networks take there, or couplings=..."
        )


def check_input(x: Tensor, channels: int, spatial_dims: int, device: torch.device) -> None:
    """Raise ValueError unless `x` is a floating-point tensor (B, channels, *spatial) on the network's device.

    While torch's anomaly detection is on (`torch.autograd.set_detect_anomaly(True)`), values that are not finite are
    an error too.
    """
    if x.dim() != spatial_dims + 2 or x.shape[1] != channels:
        raise ValueError(
            f"Expected a tensor (batch, {channels} channels, {spatial_dims} spatial axes), got shape {tuple(x.shape)}."
        )
    if not x.is_floating_point():
        raise ValueError(f"Expected a floating-point tensor, got {x.dtype}; pass x.float().")
    if not x.shape[0]:
        raise ValueError(f"Expected at least one image, got a batch of 0 (shape {tuple(x.shape)}); skip empty batches.")
    if x.device != device:
        raise ValueError(
            f"Expected a tensor on {device}, where the network's weights are, got one on {x.device}; move one of them: "
            f"x.to('{device}') or network.to('{x.device}')."
        )
    if not torch.compiler.is_compiling() and torch.is_anomaly_enabled() and not torch.isfinite(x).all():
        bad = int((~torch.isfinite(x)).sum())
        raise ValueError(f"Expected finite values, got {bad} of {x.numel()} that are not; clean the image before.")
