"""The invertible U: couplings, orthogonal downsampling, the same one level below, and the way back up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from iunet_med.networks.layout import draw
from iunet_med.nn.bijection import Bijection, Inverse
from iunet_med.nn.blocks import ConvolutionalBlock, Spec, is_instance_norm, zero_convolution
from iunet_med.nn.chain import Chain, OnLastChannels
from iunet_med.nn.channel_plan import ChannelPlan, Stride
from iunet_med.nn.coupling import AdditiveCoupling, AffineCoupling, Coupling, Couplings
from iunet_med.nn.orthogonal import OrthogonalMap, OrthogonalStart
from iunet_med.nn.resampling import OrthogonalDownsampling
from iunet_med.nn.reversible import reversible

Backprop = Literal["reversible", "stored"]
CouplingName = Literal["additive", "affine"]
Padding = Literal["auto", "none"]


class InvertibleUNet(Bijection):
    """A bijection of (B, channels[0], *spatial) in the shape of a U-Net.

    level_i = left couplings, then the last channels through (down, level_{i+1}, up), then right couplings. The other
    channels are the skip connection. The lowest level has the couplings of both branches.

    Args:
        spatial_dims: 1, 2 or 3.
        channels: channels of each level, from the finest to the coarsest; all even.
        couplings: additive couplings per level and branch, one number or one per level.
        strides: voxels per block, one number, or one number or tuple of lengths per step down.
        kernel_size: odd length of the couplings' kernels, one or one per axis.
        coupling_depth: convolutions per coupling.
        norm: "instance", "group", "batch" (stored mode only), a pair of name and keywords, or None.
        act: name of the activation, a pair of name and keywords, or None.
        dropout: probability of dropout after each norm.
        resampling: map from weights to rotations, "cayley" or "exp" (the matrix exponential).
        resampling_init: what downsampling starts as, "haar", "pixel_shuffle" or "random"; upsampling undoes it.
        backprop: "reversible" rebuilds activations in the backward pass, "stored" keeps them as usual; one for all, or
            one per level. The weights and the results are the same. The lower levels hold little of the memory and much
            of the arithmetic, so ("reversible", "stored", "stored") buys time at a small price.
        padding: "auto" pads sizes that the strides do not divide, at the high end of each axis and by repetition of
            the border; "none" refuses them.
        coupling: "additive" preserves volume, "affine" also scales and starts as the identity; see `log_det`.

    Attributes:
        reach: voxels per axis that become one at the lowest level: the smallest size that the network takes.

    Raises:
        ValueError: an impossible plan of channels (the nearest possible one is named), or an unknown name.

    Source: Etmann, Ke and Schönlieb 2020, https://arxiv.org/abs/2005.05220.
    """

    def __init__(
        self,
        spatial_dims: int,
        channels: Sequence[int] = (32, 64, 128, 256),
        couplings: int | Sequence[int] = 2,
        strides: Stride | Sequence[Stride] = 2,
        *,
        kernel_size: int | tuple[int, ...] = 3,
        coupling_depth: int = 1,
        norm: Spec = "instance",
        act: Spec = ("leakyrelu", {"negative_slope": 0.01, "inplace": True}),
        dropout: float = 0.0,
        resampling: OrthogonalMap = "cayley",
        resampling_init: OrthogonalStart = "haar",
        backprop: Backprop | Sequence[Backprop] = "reversible",
        padding: Padding = "auto",
        coupling: CouplingName = "additive",
    ) -> None:
        super().__init__()
        _check_choice("spatial_dims", spatial_dims, (1, 2, 3))
        _check_choice("padding", padding, get_args(Padding))
        _check_choice("coupling", coupling, get_args(CouplingName))
        self.plan = ChannelPlan.of(spatial_dims, channels, strides)
        self.couplings = _per_level(couplings, len(self.plan.channels))
        self.padding = padding
        self.reach = self.plan.reach

        def one_coupling(half: int) -> Coupling:
            block = ConvolutionalBlock(
                spatial_dims,
                half,
                kernel_size=kernel_size,
                depth=coupling_depth,
                norm=norm,
                act=act,
                dropout=dropout,
            )
            if coupling == "additive":
                return AdditiveCoupling(block)
            return AffineCoupling(nn.Sequential(block, zero_convolution(spatial_dims, half, 2 * half)))

        def branch(level: int, count: int) -> Couplings:
            return Couplings(one_coupling(self.plan.channels[level] // 2) for _ in range(count))

        bottom = len(self.plan.channels) - 1
        level: Bijection = branch(bottom, 2 * self.couplings[bottom])
        for i in reversed(range(bottom)):
            sent = self.plan.sent[i]
            down, up = (
                OrthogonalDownsampling(sent, self.plan.strides[i], orthogonal=resampling, init=resampling_init)
                for _ in range(2)
            )
            up.load_state_dict(down.state_dict())
            level = Chain(
                left=branch(i, self.couplings[i]),
                lower=OnLastChannels(sent, Chain(down=down, level=level, up=Inverse(up))),
                right=branch(i, self.couplings[i]),
            )
        self.level = level
        self.backprop = backprop

    @property
    def backprop(self) -> tuple[Backprop, ...]:
        """How each level is differentiated; may be set to one name, or to one per level."""
        return self._backprop

    @backprop.setter
    def backprop(self, backprop: Backprop | Sequence[Backprop]) -> None:
        levels = len(self.plan.channels)
        names = (backprop,) * levels if isinstance(backprop, str) else tuple(backprop)
        if len(names) != levels or not set(names) <= set(get_args(Backprop)):
            raise ValueError(f"backprop={backprop!r} came; 'reversible', 'stored', or {levels} of them, is needed.")
        self._backprop: tuple[Backprop, ...] = names
        chains, bottom = self._levels()
        for name, chain in zip(names, chains, strict=False):
            chain.left.stored = chain.right.stored = name == "stored"
        bottom.stored = names[-1] == "stored"

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels[0], *spatial) to the same shape, padded to multiples of `reach` where it must be."""
        x = self._padded(self._checked(x))
        y: Tensor
        if "reversible" in self.backprop:
            y = reversible(self.level, x, compiled=torch.compiler.is_compiling())
        else:
            y = self.level(x)
        return y

    def inverse(self, y: Tensor, spatial_shape: Sequence[int] | None = None) -> Tensor:
        """Undo `forward`; `spatial_shape` crops to the size from before the padding."""
        x = self.level.inverse(self._checked(y))
        return x if spatial_shape is None else crop(x, spatial_shape)

    def encode(self, x: Tensor) -> list[Tensor]:
        """Map (B, channels[0], *spatial) to one code per level: what each keeps on the way down, and the lowest level.

        The codes have as many values as `x`, padded where it must be, and `decode` undoes the map. Differentiated by
        ordinary backpropagation.
        """
        x = self._padded(self._checked(x))
        codes = []
        chains, bottom = self._levels()
        for chain in chains:
            kept, sent = chain.lower.split(chain.left(x))
            codes.append(kept)
            x = chain.lower.inner.down(sent)
        return [*codes, bottom(x)]

    def decode(self, codes: Sequence[Tensor], spatial_shape: Sequence[int] | None = None) -> Tensor:
        """Undo `encode`; `spatial_shape` crops to the size from before the padding."""
        chains, bottom = self._levels()
        if len(codes) != len(chains) + 1:
            raise ValueError(f"{len(codes)} codes came; one per level, {len(chains) + 1}, is needed.")
        *kept, x = codes
        x = bottom.inverse(x)
        for code, chain in zip(reversed(kept), reversed(chains), strict=True):
            x = chain.left.inverse(torch.cat([code, chain.lower.inner.down.inverse(x)], 1))
        return x if spatial_shape is None else crop(x, spatial_shape)

    def log_det(self, x: Tensor) -> Tensor:
        """Return log |det dy/dx| in nats, shape (B,); padded sizes have none, so they are refused."""
        if any(n % r for n, r in zip(x.shape[2:], self.reach, strict=True)):
            raise ValueError(
                f"spatial shape {tuple(x.shape[2:])} came; the log-determinant needs multiples of {self.reach}, "
                "because a padded map is onto a part of its range only."
            )
        return self.level.log_det(self._checked(x))

    def layout(self) -> str:
        """Draw the U with its channels per level, how many are kept and how many are sent down."""
        return draw(self.plan, self.couplings)

    def _levels(self) -> tuple[list[Any], Any]:
        """List the chains of all levels but the lowest, and that one's couplings."""
        chains: list[Any] = []
        level: Any = self.level
        while isinstance(level, Chain):
            chains.append(level)
            level = chains[-1].lower.inner.level
        return chains, level

    def _checked(self, x: Tensor) -> Tensor:
        channels, dims = self.plan.channels[0], len(self.reach)
        if x.dim() != dims + 2 or x.shape[1] != channels:
            raise ValueError(
                f"A tensor of shape {tuple(x.shape)} came; (batch, {channels} channels, {dims} spatial axes) is needed."
            )
        # The inverse subtracts what the forward pass added, so the state stays in full precision under autocast.
        return x.float() if torch.is_autocast_enabled(x.device.type) else x

    def _padded(self, x: Tensor) -> Tensor:
        size = x.shape[2:]
        if min(n - r for n, r in zip(size, self.reach, strict=True)) < 0:
            raise ValueError(
                f"An input of spatial shape {tuple(size)} came, smaller than the network's reach {self.reach} (the "
                "product of its strides per axis); give a larger image or patch, or a network with fewer levels."
            )
        missing = [-n % r for n, r in zip(size, self.reach, strict=True)]
        lowest = [(n + m) // r for n, m, r in zip(size, missing, self.reach, strict=True)]
        if max(lowest) == 1 and any(is_instance_norm(module) for module in self.modules()):
            raise ValueError(
                f"An input of spatial shape {tuple(size)} came, a single voxel at the lowest level, which instance "
                f"normalisation would set to zero; give more than {self.reach} voxels, or set norm='group'."
            )
        if not any(missing):
            return x
        if self.padding == "none":
            raise ValueError(
                f"An input of spatial shape {tuple(size)} came, multiples of {self.reach} are needed; pad it to "
                f"{tuple(n + m for n, m in zip(size, missing, strict=True))} or set padding='auto'."
            )
        return F.pad(x, [p for m in reversed(missing) for p in (0, m)], mode="replicate")


def crop(x: Tensor, spatial_shape: Sequence[int]) -> Tensor:
    """Cut (B, C, *spatial) at the high end of each axis to `spatial_shape`."""
    for axis, length in enumerate(spatial_shape):
        x = x.narrow(2 + axis, 0, length)
    return x


def _per_level(couplings: int | Sequence[int], levels: int) -> tuple[int, ...]:
    counts = (couplings,) * levels if isinstance(couplings, int) else tuple(couplings)
    if len(counts) != levels or min(counts) < 1:
        raise ValueError(f"couplings {couplings} came; a number of at least 1, or {levels} of them, is needed.")
    return counts


def _check_choice(name: str, value: object, choices: Sequence[object]) -> None:
    if value not in choices:
        raise ValueError(f"{name}={value!r} came; one of {', '.join(map(repr, choices))} is needed.")
