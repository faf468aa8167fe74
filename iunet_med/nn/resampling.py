"""Orthogonal downsampling: blocks of voxels become channels, turned by one learnable rotation per channel."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from iunet_med.nn.isometry import Isometry
from iunet_med.nn.kernels import has_kernels
from iunet_med.nn.orthogonal import OrthogonalMap, OrthogonalStart, orthogonal_start
from iunet_med.nn.vjp import Tape

KERNEL_BLOCKS = (2, 4, 8, 16)
"""Voxels per block for which there are kernels: powers of two, whose matrices fit a GPU's registers."""


class OrthogonalDownsampling(Isometry):
    """A strided convolution whose kernel is an orthogonal matrix per channel: an isometry, so its log-det is zero.

    (B, C, *spatial) -> (B, C * n, *spatial / stride), n = prod(stride): channel c of the input becomes channels c * n
    to c * n + n - 1 of the output. It is applied as a product of matrices, which `benchmarks/resampling.py` compares
    with a convolution.

    Args:
        channels: channels of the input; each has its own matrix.
        stride: block length per axis, in voxels; its length is the number of spatial dimensions.
        orthogonal: the map from weights to rotations.
        init: the matrices to start from: "haar", "pixel_shuffle", "random", or an orthogonal tensor (n, n) or
            (channels, n, n).
        learnable: False fixes the matrices.
        on_grid: in training mode, round the results to a grid; see `Isometry`.

    Raises:
        ValueError: an unknown name, a start that cannot be, or an input that the stride does not divide.

    Source: Etmann, Ke and Schönlieb 2020, section 3, https://arxiv.org/abs/2005.05220.

    >>> OrthogonalDownsampling(2, (2, 2, 2))(torch.zeros(1, 2, 8, 8, 8)).shape
    torch.Size([1, 16, 4, 4, 4])
    """

    descends = 1

    def __init__(
        self,
        channels: int,
        stride: Sequence[int],
        *,
        orthogonal: OrthogonalMap = "cayley",
        init: OrthogonalStart = "haar",
        learnable: bool = True,
        on_grid: bool = False,
    ) -> None:
        start = orthogonal_start(init, channels, stride)
        super().__init__(start, orthogonal=orthogonal, learnable=learnable, on_grid=on_grid)
        self.channels = channels
        self.stride = tuple(stride)
        self.block_size = prod(stride)
        dims = len(self.stride)
        axes = range(dims)
        # Between (B, C, d, s_d, h, s_h, w, s_w) and (B, C, s_d, s_h, s_w, d, h, w).
        self._cut = [0, 1, *[3 + 2 * axis for axis in axes], *[2 + 2 * axis for axis in axes]]
        self._join = [0, 1, *[part for axis in axes for part in (2 + dims + axis, 2 + axis)]]

    def extra_repr(self) -> str:
        """Return channels, stride and map."""
        return f"{self.channels}, stride={self.stride}, orthogonal={self.rotation.__name__}"

    def _push_in_steps(self, x: Tensor, tape: Tape, level: int, group: int, *, inverse: bool) -> Tensor:
        if not self._has_kernels(x):
            return super()._push_in_steps(x, tape, level, group, inverse=inverse)
        from iunet_med.nn import step_kernels

        stream: Any = tape.stream
        if self not in tape.integers:
            scaled = tape.matrices[self].detach().float() * 2**step_kernels.MATRIX_BITS
            tape.integers[self] = torch.round(scaled).to(torch.int32)
        integers = tape.integers[self].chunk(len(self._groups_of(tape)))[group]
        finer = stream.exponents[level] - stream.exponents[tape.level]
        y, missed = step_kernels.turn(x, self.stride, integers, finer, stream.largest[tape.level], up=inverse)
        tape.append(missed)
        return y

    def _pull_in_steps(
        self, y: Tensor, grad: Tensor, tape: Tape, level: int, group: int, *, inverse: bool
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        if not self._has_kernels(y):
            return super()._pull_in_steps(y, grad, tape, level, group, inverse=inverse)
        from iunet_med.nn import step_kernels

        stream: Any = tape.stream
        matrices = self._groups_of(tape)
        integers = tape.integers[self].chunk(len(matrices))[group]
        finer = stream.exponents[tape.level] - stream.exponents[level]
        missed = tape.pop()
        value, grad, grad_matrix = step_kernels.turn_back(
            y, grad, missed, self.stride, integers, matrices[group], finer, up=inverse
        )
        return value, grad, grad_matrix * stream.steps[level]

    def _has_kernels(self, x: Tensor) -> bool:
        return has_kernels(x) and self.block_size in KERNEL_BLOCKS and x[0].is_contiguous()

    def _input_vectors(self, x: Tensor) -> Tensor:
        self._check_divisible(x)
        shape = [x.shape[0], x.shape[1]]
        for axis, stride in enumerate(self.stride):
            shape += [x.shape[2 + axis] // stride, stride]
        return x.reshape(shape).permute(self._cut).reshape(x.shape[0], x.shape[1], self.block_size, -1)

    def _input(self, vectors: Tensor, output_shape: list[int]) -> Tensor:
        split, shape = [vectors.shape[0], vectors.shape[1]], [vectors.shape[0], vectors.shape[1]]
        for axis, stride in enumerate(self.stride):
            split.append(stride)
            shape.append(output_shape[2 + axis] * stride)
        split += output_shape[2:]
        return vectors.reshape(split).permute(self._join).reshape(shape)

    def _output_vectors(self, y: Tensor) -> Tensor:
        return y.reshape(y.shape[0], y.shape[1] // self.block_size, self.block_size, -1)

    def _output(self, vectors: Tensor, input_shape: list[int]) -> Tensor:
        shape = [vectors.shape[0], vectors.shape[1] * self.block_size]
        for axis, stride in enumerate(self.stride):
            shape.append(input_shape[2 + axis] // stride)
        return vectors.reshape(shape)

    def _check_divisible(self, x: Tensor) -> None:
        fits = x.dim() == 2 + len(self.stride)
        for axis, stride in enumerate(self.stride):
            fits = fits and x.shape[2 + axis] % stride == 0
        if not fits:
            raise ValueError(
                f"Expected a spatial shape of multiples of the stride {self.stride}, got {list(x.shape[2:])}; pad it, "
                "or use a network with padding='auto'."
            )
