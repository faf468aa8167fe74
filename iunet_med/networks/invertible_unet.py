"""The invertible U: couplings, orthogonal downsampling, the same one level below, and the way back up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from iunet_med.networks.checks import check_choice, check_input, check_named, kernels_per_level, per_level
from iunet_med.networks.drawing import draw
from iunet_med.networks.padding import Padding, crop, pad, pad_to_multiples
from iunet_med.nn.bijection import Bijection, Inverse
from iunet_med.nn.blocks import ActivationSpec, ConvolutionalBlock, Kernel, Spec, is_instance_norm, zero_convolution
from iunet_med.nn.chain import Chain, OnLastChannels
from iunet_med.nn.channel_plan import ChannelPlan, Stride
from iunet_med.nn.coupling import AdditiveCoupling, AffineCoupling, Coupling, Couplings
from iunet_med.nn.engine import begin_stream, end_stream, reversible, reversible_and_log_det
from iunet_med.nn.exact_sums import ToGrid, is_low, rounds, to_grid
from iunet_med.nn.fixed_point import Steps, Stream
from iunet_med.nn.mixing import ChannelMixing
from iunet_med.nn.orthogonal import OrthogonalMap, OrthogonalStart
from iunet_med.nn.plain import is_recorded, plain
from iunet_med.nn.resampling import OrthogonalDownsampling
from iunet_med.nn.surroundings import is_autocast, is_exporting

Backprop = Literal["reversible", "stored"]
LevelBackprop = Literal["recompute", "store"]
CouplingName = Literal["additive", "affine"]
StateName = Literal["float", "fixed16"]


class InvertibleUNet(Bijection):
    """A bijection of (B, channels[0], *spatial) in the shape of a U-Net.

    level_i = left couplings, then the last channels through (down, level_{i+1}, up), then right couplings. The other
    channels are the skip connection. The lowest level has the couplings of both branches.

    Args:
        spatial_dims: 1, 2 or 3.
        channels: channels of each level, from the finest to the coarsest; all even.
        couplings: additive couplings per level and branch, one number or one per level.
        strides: voxels per block, one number, or one number or tuple of lengths per step down.
        kernel_size: odd length of the couplings' kernels: one, one per axis, or such a tuple for each level, as in
            ((1, 3, 3), (3, 3, 3)) for thick slices.
        coupling_depth: convolutions per coupling.
        norm: "instance", "group", "batch" (stored mode only), a pair of name and keywords, or None.
        act: name of the activation, a pair of name and keywords, a class such as `nn.ReLU`, or None.
        dropout: probability of dropout after each norm.
        resampling: map from weights to rotations, "cayley", "exp" (the matrix exponential), "householder" or "givens".
        resampling_init: what downsampling starts as, "haar", "pixel_shuffle", "random", or an orthogonal matrix;
            upsampling undoes it.
        backprop: "reversible" rebuilds activations in the backward pass, "stored" keeps them as usual. The weights and
            the results are the same. Or "recompute" or "store" for each level: the lower ones hold little of the memory
            and much of the arithmetic, so ("recompute", "store", "store") buys time at a small price.
        padding: "auto" pads sizes that the strides do not divide, at the high end of each axis and by repetition of
            the border; "none" refuses them.
        coupling: "additive" preserves volume, "affine" also scales and starts as the identity; see `log_det`.
        mixing: the map of learnable rotations of all channels between two couplings, or None for no rotations.
        bit_exact: in training under autocast, in all modes, round the state to multiples of 2^-14, so that additive
            couplings and resampling are undone bit for bit while values stay below 1024. Without it the gradients of
            deep networks drift away from the stored ones; it costs one byte per resampled value. Affine couplings
            cannot be undone exactly and are not rounded.
        state: "float", or "fixed16" to hold the state between couplings, in reversible training, in 16-bit integers:
            half the memory, and every activation is rebuilt bit for bit at any depth, in any type and with TF32; see
            `iunet_med.nn.fixed_point`. Needs additive couplings.

    Attributes:
        reach: voxels per axis that become one at the lowest level: the smallest size that the network takes.

    Raises:
        ValueError: an impossible plan of channels (the nearest possible one is named), or an unknown name.

    Source: Etmann, Ke and Schönlieb 2020, https://arxiv.org/abs/2005.05220.

    >>> net = InvertibleUNet(2, (4, 8)).double()
    >>> x = torch.randn(1, 4, 8, 8).double()
    >>> net.inverse(net(x)).allclose(x)
    True
    """

    __jit_unused_properties__ = ("backprop",)

    def __init__(
        self,
        spatial_dims: int,
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
        coupling: CouplingName = "additive",
        mixing: OrthogonalMap | None = None,
        bit_exact: bool = True,
        state: StateName = "float",
    ) -> None:
        super().__init__()
        check_named(positional)
        check_choice("spatial_dims", spatial_dims, (1, 2, 3))
        check_choice("padding", padding, get_args(Padding))
        check_choice("coupling", coupling, get_args(CouplingName))
        self.plan = ChannelPlan.of(spatial_dims, channels, strides)
        self.couplings = per_level("couplings", couplings, len(self.plan.channels))
        kernels = kernels_per_level(kernel_size, len(self.plan.channels))
        self.padding = padding
        check_choice("state", state, get_args(StateName))
        if state == "fixed16" and coupling != "additive":
            raise ValueError(f"state='fixed16': expected coupling='additive', got {coupling!r}, which is not exact.")
        self.steps = Steps(len(self.plan.channels)) if state == "fixed16" else None
        self.bit_exact = bit_exact and coupling == "additive" and state == "float"
        self.reach = self.plan.reach
        self._multiples = list(self.reach)

        def one_coupling(half: int, kernel: Kernel) -> Coupling:
            block = ConvolutionalBlock(
                spatial_dims,
                half,
                kernel_size=kernel,
                depth=coupling_depth,
                norm=norm,
                act=act,
                dropout=dropout,
            )
            if self.bit_exact:
                block.append(ToGrid())
            if coupling == "additive":
                return AdditiveCoupling(block)
            return AffineCoupling(nn.Sequential(block, zero_convolution(spatial_dims, half, 2 * half)))

        def branch(level: int, count: int) -> Bijection:
            channels = self.plan.channels[level]
            couplings = [one_coupling(channels // 2, kernels[level]) for _ in range(count)]
            if mixing is None:
                return Couplings(couplings)
            first, *others = couplings
            steps: dict[str, Bijection] = {"coupling_0": Couplings([first])}
            for i, coupling in enumerate(others, 1):
                steps[f"mixing_{i}"] = ChannelMixing(channels, orthogonal=mixing, on_grid=self.bit_exact)
                steps[f"coupling_{i}"] = Couplings([coupling])
            return Chain(**steps)

        bottom = len(self.plan.channels) - 1
        level: Bijection = branch(bottom, 2 * self.couplings[bottom])
        for i in reversed(range(bottom)):
            sent = self.plan.sent[i]
            down, up = (
                OrthogonalDownsampling(
                    sent, self.plan.strides[i], orthogonal=resampling, init=resampling_init, on_grid=self.bit_exact
                )
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
    def backprop(self) -> Backprop | tuple[LevelBackprop, ...]:
        """How the levels are differentiated; may be set at any time."""
        return self._backprop

    @backprop.setter
    def backprop(self, backprop: Backprop | Sequence[LevelBackprop]) -> None:
        levels = len(self.plan.channels)
        self._backprop: Backprop | tuple[LevelBackprop, ...]
        if isinstance(backprop, str):
            check_choice("backprop", backprop, get_args(Backprop))
            self._backprop, stored = backprop, [False] * levels
        elif len(backprop) == levels and set(backprop) <= set(get_args(LevelBackprop)):
            self._backprop, stored = tuple(backprop), [name == "store" for name in backprop]
        else:
            raise ValueError(
                f"backprop={backprop!r}: expected 'reversible', 'stored', or 'recompute' or 'store' for each of the "
                f"{levels} levels."
            )
        chains, bottom = self._levels()
        branches = [[chain.left, chain.right] for chain in chains] + [[bottom]]
        for store, level in zip(stored, branches, strict=True):
            for module in [module for branch in level for module in branch.modules()]:
                if isinstance(module, Couplings):
                    module.stored = store

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels[0], *spatial) to the same shape, padded to multiples of `reach` where it must be."""
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            y: Tensor = self.level(pad_to_multiples(x, self._multiples))
            return y
        else:  # noqa: RET505  (TorchScript would compile it without the else)
            return self._differentiable(self._padded(self._checked(x)))

    def forward_levels(self, x: Tensor) -> list[Tensor]:
        """Return what each level puts out, (B, channels[i], *spatial_i), from the finest to the coarsest.

        The first one is `forward(x)`. In reversible mode the branches and resamplings are rebuilt one by one, so that
        the outputs between them are held as well: about two states more, whatever the number of couplings.
        """
        x = self._on_grid(self._padded(self._checked(x)))
        stream = self._begin(x)
        chains, bottom = self._levels()
        kept = []
        for level, chain in enumerate(chains):
            own, sent = chain.lower.split(self._run(chain.left, x, stream, level))
            kept.append(own)
            x = self._run(chain.lower.inner.down, sent, stream, level)
        outputs = [self._run(bottom, x, stream, len(chains))]
        for level, chain in reversed(list(enumerate(chains))):
            x = torch.cat([kept[level], self._run(chain.lower.inner.up, outputs[0], stream, level + 1)], 1)
            outputs.insert(0, self._run(chain.right, x, stream, level))
        self._end(stream)
        return outputs

    def _differentiable(self, x: Tensor) -> Tensor:
        x = self._on_grid(x)
        stream = self._begin(x)
        # Under autocast what follows is cast anyway; the state itself does not depend on it.
        low = torch.get_autocast_dtype(x.device.type) if stream is not None and is_autocast(x) else torch.float32
        y = self._run(self.level, x, stream, dtype=low)
        self._end(stream)
        return y

    def _begin(self, x: Tensor) -> Stream | None:
        if self.steps is None or not self._has_stream(x):
            return None
        stream: Stream = begin_stream(self.steps, self.level, x)
        return stream

    def _has_stream(self, x: Tensor) -> bool:
        """Return True if the state is held in steps."""
        reversing = self.steps is not None and self.backprop != "stored" and self.training and torch.is_grad_enabled()
        return reversing and not (is_exporting() or is_recorded() or x.is_meta)

    def _end(self, stream: Stream | None) -> None:
        if stream is not None and self.steps is not None:
            end_stream(self.steps, stream)

    def _on_grid(self, x: Tensor) -> Tensor:
        return to_grid(x) if self.bit_exact and rounds(self, x) else x

    def _run(
        self,
        bijection: Bijection,
        x: Tensor,
        stream: Stream | None,
        level: int = 0,
        *,
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        if self.backprop == "stored" or is_exporting():
            return plain(bijection, x)
        compiled = torch.compiler.is_compiling()
        y: Tensor = reversible(bijection, x, compiled=compiled, stream=stream, level=level, dtype=dtype)
        return y

    def inverse(self, y: Tensor, spatial_shape: Sequence[int] | None = None) -> Tensor:
        """Undo `forward`; `spatial_shape` crops to the size from before the padding."""
        x = self.level.inverse(self._checked(y))
        return x if spatial_shape is None else crop(x, list(spatial_shape))

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
            raise ValueError(f"Expected one code per level, {len(chains) + 1}, got {len(codes)}.")
        *kept, x = codes
        x = bottom.inverse(x)
        for code, chain in zip(reversed(kept), reversed(chains), strict=True):
            x = chain.left.inverse(torch.cat([code, chain.lower.inner.down.inverse(x)], 1))
        return x if spatial_shape is None else crop(x, list(spatial_shape))

    def log_det(self, x: Tensor) -> Tensor:
        """Return log |det dy/dx| in nats, shape (B,); padded sizes have none, so they are refused."""
        return self.forward_and_log_det(x)[1]

    def forward_and_log_det(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return `forward(x)` and `log_det(x)` by one evaluation of each coupling.

        With backprop "reversible" both are differentiated without stored activations.
        """
        if any(n % r for n, r in zip(x.shape[2:], self.reach, strict=True)):
            raise ValueError(
                f"log_det: expected a spatial shape of multiples of {self.reach}, got {tuple(x.shape[2:])}; a padded "
                "map is onto a part of its range only, so crop or pad the image before."
            )
        if self.backprop == "reversible" and not is_exporting():
            return reversible_and_log_det(self.level, self._checked(x))  # type: ignore[no-any-return]
        return self.level.forward_and_log_det(self._checked(x))

    def layout(self) -> str:
        """Draw the U with its channels per level, how many are kept and how many are sent down."""
        return draw(self.plan, self.couplings)

    def _levels(self) -> tuple[list[Any], Any]:
        """List the chains of all levels but the lowest, and that one's bijection."""
        chains: list[Any] = []
        level: Any = self.level
        while hasattr(level, "lower"):
            chains.append(level)
            level = level.lower.inner.level
        return chains, level

    def _checked(self, x: Tensor) -> Tensor:
        check_input(x, self.plan.channels[0], len(self.reach), next(self.parameters()).device)
        # The inverse subtracts what the forward pass added, so the state stays in full precision.
        return x.float() if is_low(x.dtype) and not self._has_stream(x) else x

    def _padded(self, x: Tensor) -> Tensor:
        padded = pad(x, self.reach, self.padding)
        if tuple(padded.shape[2:]) == self.reach and any(is_instance_norm(module) for module in self.modules()):
            raise ValueError(
                f"Expected more than {self.reach} voxels, got {tuple(x.shape[2:])}: a single voxel at the lowest "
                "level, which instance normalisation would set to zero; give a larger image, or set norm='group'."
            )
        return padded
