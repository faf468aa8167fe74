"""IUNet, the drop-in network: a convolution lifts, an invertible U works, a convolution reads out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from iunet_med.networks.checks import check_input, check_named
from iunet_med.networks.invertible_unet import Backprop, InvertibleUNet, LevelBackprop, kernels_per_level
from iunet_med.networks.padding import Padding, crop
from iunet_med.nn.blocks import ActivationSpec, Kernel, Spec, convolution
from iunet_med.nn.channel_plan import Stride
from iunet_med.nn.orthogonal import OrthogonalMap, OrthogonalStart


class IUNet(nn.Module):
    """(B, in_channels, *spatial) -> (B, out_channels, *spatial), trained in memory that does not grow with depth.

    Args:
        spatial_dims: 1, 2 or 3.
        in_channels: channels of the image.
        out_channels: channels of the result, as logits.
        channels: channels of each level of the U, from the finest to the coarsest; all even.
        couplings: additive couplings per level and branch, one number or one per level.
        strides: voxels per block, one number, or one number or tuple of lengths per step down.
        kernel_size, coupling_depth, norm, act, dropout, resampling, resampling_init, backprop, padding, bit_exact: as
            in `InvertibleUNet`; the lifting convolution has the finest level's `kernel_size`.

    Raises:
        ValueError: an impossible plan of channels (the nearest possible one is named), or an unknown name.

    Source: Etmann, Ke and Schönlieb 2020, https://arxiv.org/abs/2005.05220.

    >>> net = IUNet(3, 4, 3, (8, 16), strides=(2,))
    >>> net(torch.zeros(1, 4, 16, 16, 15)).shape
    torch.Size([1, 3, 16, 16, 15])
    """

    __jit_unused_properties__ = ("reach",)

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        channels: Sequence[int] = (32, 64, 128, 256),
        *positional: object,
        couplings: int | Sequence[int] = 2,
        strides: Stride | Sequence[Stride] = 2,
        kernel_size: Kernel | Sequence[Sequence[int]] = 3,
        coupling_depth: int = 1,
        norm: Spec = "instance",
        act: ActivationSpec = ("leakyrelu", {"negative_slope": 0.01, "inplace": True}),
        dropout: float = 0.0,
        resampling: OrthogonalMap = "cayley",
        resampling_init: OrthogonalStart = "haar",
        backprop: Backprop | Sequence[LevelBackprop] = "reversible",
        padding: Padding = "auto",
        bit_exact: bool = True,
    ) -> None:
        super().__init__()
        check_named(positional)
        self.in_channels = in_channels
        self.unet = InvertibleUNet(
            spatial_dims,
            channels,
            couplings=couplings,
            strides=strides,
            kernel_size=kernel_size,
            coupling_depth=coupling_depth,
            norm=norm,
            act=act,
            dropout=dropout,
            resampling=resampling,
            resampling_init=resampling_init,
            backprop=backprop,
            padding=padding,
            bit_exact=bit_exact,
        )
        first, *_ = kernels_per_level(kernel_size, len(channels))
        self.lift = convolution(spatial_dims, in_channels, channels[0], first)
        self.head = convolution(spatial_dims, channels[0], out_channels, 1)

    @property
    def reach(self) -> tuple[int, ...]:
        """Voxels per axis that become one at the lowest level: the smallest size that the network takes."""
        return self.unet.reach

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, *spatial) to (B, out_channels, *spatial); ValueError for another shape."""
        if not torch.jit.is_scripting():  # type: ignore[attr-defined]
            check_input(x, self.in_channels, len(self.reach), next(self.parameters()).device)
        logits: Tensor = self.head(self.unet(self.lift(x)).to(self.head.weight.dtype))
        return crop(logits, list(x.shape[2:]))

    def layout(self) -> str:
        """Draw the U with its channels per level, how many are kept and how many are sent down."""
        return self.unet.layout()
