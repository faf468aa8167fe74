"""IUNet, the drop-in network: a convolution lifts, an invertible U works, a convolution reads out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from iunet_med.networks.checks import check_choice, check_input, check_named, kernels_per_level
from iunet_med.networks.invertible_unet import Backprop, InvertibleUNet, LevelBackprop, StateName
from iunet_med.networks.padding import Padding, crop
from iunet_med.nn.blocks import ActivationSpec, Kernel, Spec, convolution
from iunet_med.nn.channel_plan import Stride
from iunet_med.nn.orthogonal import OrthogonalMap, OrthogonalStart
from iunet_med.nn.surroundings import is_autocast

DeepSupervision = bool | Literal["always"]


class IUNet(nn.Module):
    """(B, in_channels, *spatial) -> (B, out_channels, *spatial), trained in memory that does not grow with depth.

    Args:
        spatial_dims: 1, 2 or 3.
        in_channels: channels of the image.
        out_channels: channels of the result, as logits.
        channels: channels of each level of the U, from the finest to the coarsest; all even.
        couplings: additive couplings per level and branch, one number or one per level.
        strides: voxels per block, one number, or one number or tuple of lengths per step down.
        kernel_size, coupling_depth, norm, act, dropout, resampling, resampling_init, backprop, padding, bit_exact,
            state: as in `InvertibleUNet`; the lifting convolution has the finest level's `kernel_size`.
        deep_supervision: True returns in training mode a list of logits, from the finest level to the last but one,
            each at its level's size, as MONAI's SegResNetDS does; "always" in evaluation mode, too, as nnU-Net wants
            it. It may be set at any time where it was not False from the start.

    Raises:
        ValueError: an impossible plan of channels (the nearest possible one is named), or an unknown name.

    Source: Etmann, Ke and Schönlieb 2020, https://arxiv.org/abs/2005.05220.

    >>> net = IUNet(3, 4, 3, (8, 16), strides=(2,))
    >>> net(torch.zeros(1, 4, 16, 16, 15)).shape
    torch.Size([1, 3, 16, 16, 15])
    """

    __jit_unused_properties__ = ("reach",)
    __jit_ignored_attributes__ = ("deep_supervision",)

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
        state: StateName = "float",
        deep_supervision: DeepSupervision = False,
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
            state=state,
        )
        first, *_ = kernels_per_level(kernel_size, len(channels))
        self.lift = convolution(spatial_dims, in_channels, channels[0], first)
        self.head = convolution(spatial_dims, channels[0], out_channels, 1)
        check_choice("deep_supervision", deep_supervision, (False, True, "always"))
        self.deep_supervision = deep_supervision
        lower = channels[1:-1] if deep_supervision else ()
        self.lower_heads = nn.ModuleList(convolution(spatial_dims, c, out_channels, 1) for c in lower)

    @property
    def reach(self) -> tuple[int, ...]:
        """Voxels per axis that become one at the lowest level: the smallest size that the network takes."""
        return self.unet.reach

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, *spatial) to (B, out_channels, *spatial); ValueError for another shape.

        With `deep_supervision` a list of such logits, of each level's size.
        """
        if not torch.jit.is_scripting():  # type: ignore[attr-defined]
            check_input(x, self.in_channels, len(self.reach), next(self.parameters()).device)
            if self.deep_supervision == "always" or (self.deep_supervision and self.training):
                return self._supervised(x)  # type: ignore[return-value]
        y = self.unet(self.lift(x))
        if not torch.jit.is_scripting():  # type: ignore[attr-defined]
            y = self._in_type_of_head(y)
        logits: Tensor = self.head(y)
        return crop(logits, list(x.shape[2:]))

    @torch.jit.unused
    def _in_type_of_head(self, y: Tensor) -> Tensor:
        # Under autocast the head casts by itself.
        return y if is_autocast(y) else y.to(next(self.head.parameters()).dtype)

    def _supervised(self, x: Tensor) -> list[Tensor]:
        levels = self.unet.forward_levels(self.lift(x))
        sizes = [list(x.shape[2:])]
        for stride in self.unet.plan.strides[:-1]:
            sizes.append([-(-n // s) for n, s in zip(sizes[-1], stride, strict=True)])
        heads, dtype = [self.head, *self.lower_heads], next(self.head.parameters()).dtype
        logits = [head(y.to(dtype)) for head, y in zip(heads, levels, strict=False)]
        return [crop(one, size) for one, size in zip(logits, sizes, strict=True)]

    def layout(self) -> str:
        """Draw the U with its channels per level, how many are kept and how many are sent down."""
        return self.unet.layout()
