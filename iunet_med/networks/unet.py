"""UNet, the conventional 3D U-Net that the paper compares with; plain torch modules, ordinary backpropagation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import prod
from typing import get_args

import torch
from torch import Tensor, nn

from iunet_med.networks.checks import check_choice, check_input, check_named, per_level
from iunet_med.networks.padding import Padding, crop, pad, pad_to_multiples
from iunet_med.nn.blocks import ActivationSpec, Kernel, Spec, activation, convolution, normalisation
from iunet_med.nn.channel_plan import Stride

POOLINGS: dict[int, Callable[..., nn.Module]] = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
UPSAMPLINGS: dict[int, Callable[..., nn.Module]] = {
    1: nn.ConvTranspose1d,
    2: nn.ConvTranspose2d,
    3: nn.ConvTranspose3d,
}


class UNet(nn.Module):
    """(B, in_channels, *spatial) -> (B, out_channels, *spatial) by max pooling, transposed convolutions and skips.

    On the way down the last convolution of a level brings the channels from those of the level above (half of its own
    at the finest level) to its own; on the way up the first one does, from what came from below and the skip.

    Args:
        spatial_dims: 1, 2 or 3.
        in_channels: channels of the image.
        out_channels: channels of the result, as logits.
        channels: channels of each level, from the finest to the coarsest; the first is even.
        convolutions: convolutions per level and branch, one number or one per level.
        strides: voxels per block, one number, or one number or tuple of lengths per step down.
        kernel_size, norm, act, dropout, padding: as in `IUNet`.

    Raises:
        ValueError: an impossible number of channels, convolutions or strides, or an unknown name.

    Source: Çiçek et al. 2016, https://arxiv.org/abs/1606.06650, which the iUNet authors' published `StandardUNet`
    follows; as in `IUNet` and unlike theirs, the norm comes before the activation.

    >>> UNet(3, 4, 3, (8, 16))(torch.zeros(1, 4, 8, 8, 8)).shape
    torch.Size([1, 3, 8, 8, 8])
    """

    __jit_unused_properties__ = ("reach",)

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        channels: Sequence[int] = (32, 64, 128, 256),
        *positional: object,
        convolutions: int | Sequence[int] = 2,
        strides: Stride | Sequence[Stride] = 2,
        kernel_size: Kernel = 3,
        norm: Spec = "instance",
        act: ActivationSpec = ("leakyrelu", {"negative_slope": 0.01, "inplace": True}),
        dropout: float = 0.0,
        padding: Padding = "auto",
    ) -> None:
        super().__init__()
        check_named(positional)
        check_choice("padding", padding, get_args(Padding))
        if not channels or channels[0] % 2 or min(channels) < 1:
            raise ValueError(f"channels={tuple(channels)}: expected one positive integer per level, the first even.")
        depths = per_level("convolutions", convolutions, len(channels))
        steps = _per_step(strides, len(channels) - 1, spatial_dims)
        self.in_channels = in_channels
        self.padding = padding
        self._reach = [prod(step[axis] for step in steps) for axis in range(spatial_dims)]

        def convolve(*widths: int) -> nn.Sequential:
            layers: list[nn.Module] = []
            for before, after in pairwise(widths):
                layers.append(convolution(spatial_dims, before, after, kernel_size, bias=norm is None))
                layers += [] if norm is None else [normalisation(spatial_dims, after, norm)]
                layers += [nn.Dropout(dropout)] if dropout else []
                layers += [] if act is None else [activation(act)]
            return nn.Sequential(*layers)

        self.left, self.down, self.up, self.right = (nn.ModuleList() for _ in range(4))
        for level, (own, depth) in enumerate(zip(channels, depths, strict=True)):
            above = channels[level - 1] if level else own // 2
            came = above if level else in_channels
            self.left.append(convolve(came, *[above] * (depth - 1), own))
        for level in reversed(range(len(steps))):
            below, own, stride = channels[level + 1], channels[level], steps[level]
            self.down.insert(0, POOLINGS[spatial_dims](stride))
            self.up.append(UPSAMPLINGS[spatial_dims](below, below, stride, stride, bias=False))
            self.right.append(convolve(below + own, *[own] * depths[level]))
        self.head = convolution(spatial_dims, channels[0], out_channels, 1)

    @property
    def reach(self) -> tuple[int, ...]:
        """Voxels per axis that become one at the lowest level: the smallest size that the network takes."""
        return tuple(self._reach)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, *spatial) to (B, out_channels, *spatial); ValueError for another shape."""
        size = list(x.shape[2:])
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            x = pad_to_multiples(x, self._reach)
        else:
            check_input(x, self.in_channels, len(self._reach), next(self.parameters()).device)
            x = pad(x, self._reach, self.padding)
        skips: list[Tensor] = []
        for left, down in zip(self.left, self.down):  # noqa: B905  (TorchScript knows no strict; the lowest is below)
            x = left(x)
            skips.append(x)
            x = down(x)
        x = self.left[-1](x)
        for up, right in zip(self.up, self.right):  # noqa: B905
            x = right(torch.cat([up(x), skips.pop()], 1))
        logits: Tensor = self.head(x)
        return crop(logits, size)


def _per_step(strides: Stride | Sequence[Stride], steps: int, spatial_dims: int) -> list[tuple[int, ...]]:
    per_step = [strides] * steps if isinstance(strides, int) else list(strides)
    spelt = [(step,) * spatial_dims if isinstance(step, int) else tuple(step) for step in per_step]
    if len(spelt) != steps or any(len(step) != spatial_dims or min(step) < 1 for step in spelt):
        raise ValueError(
            f"strides={strides}: expected one length >= 1, or for each of the {steps} steps down one length or "
            f"{spatial_dims} of them."
        )
    return spelt
