"""Orthogonal downsampling: blocks of voxels become channels, turned by one learnable rotation per channel."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

from iunet_med.nn.bijection import Bijection, zero_log_det
from iunet_med.nn.orthogonal import OrthogonalMap, OrthogonalStart, orthogonal_map, orthogonal_start
from iunet_med.nn.vjp import BackwardState, Gradients


class OrthogonalDownsampling(Bijection):
    """A strided convolution whose kernel is an orthogonal matrix per channel: an isometry, so its log-det is zero.

    Channel c of the input becomes channels c * n to c * n + n - 1 of the output, n = prod(stride). The matrix of a
    channel is `start @ rotation(weight)`; the weight begins at zero, so the layer begins at its start exactly.

    Args:
        channels: channels of the input; each has its own matrix.
        stride: block length per axis, in voxels; its length is the number of spatial dimensions.
        orthogonal: the map from weights to rotations.
        init: the matrices to start from.

    Source: Etmann, Ke and Schönlieb 2020, section 3, https://arxiv.org/abs/2005.05220.
    """

    start: Tensor

    def __init__(
        self,
        channels: int,
        stride: Sequence[int],
        *,
        orthogonal: OrthogonalMap = "cayley",
        init: OrthogonalStart = "haar",
    ) -> None:
        super().__init__()
        self.channels = channels
        self.stride = tuple(stride)
        self.rotation = orthogonal_map(orthogonal)
        size = prod(stride)
        self.weight = nn.Parameter(torch.zeros(channels, size, size))
        self.register_buffer("start", orthogonal_start(init, channels, stride).to(self.weight.dtype))

    def matrix(self) -> Tensor:
        """Return the orthogonal matrices, (channels, n, n)."""
        # One Newton step makes a start that was rounded to another type orthogonal to this type's precision.
        start = 1.5 * self.start - 0.5 * self.start @ self.start.mT @ self.start
        return start @ self.rotation(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, *spatial) to (B, C * n, *spatial / stride); ValueError where the stride does not divide."""
        self._check_divisible(x)
        with torch.autocast(x.device.type, enabled=False):
            return self._to_channels(self.matrix() @ self._to_blocks(x), x.shape[2:])

    def inverse(self, y: Tensor) -> Tensor:
        """Map (B, C * n, *spatial / stride) to (B, C, *spatial)."""
        with torch.autocast(y.device.type, enabled=False):
            return self._to_voxels(self.matrix().mT @ self._from_channels(y), y.shape[2:])

    def log_det(self, x: Tensor) -> Tensor:
        """Return zeros of shape (B,)."""
        return zero_log_det(x)

    def pull_back(self, state: BackwardState) -> None:
        """See `Bijection.pull_back`; in closed form: x = M^T y and grad_x = M^T grad_y."""
        y, grad_y = state.take()
        with torch.autocast(y.device.type, enabled=False):
            matrix, size = self.matrix(), y.shape[2:]
            blocks = matrix.mT @ self._from_channels(y)
            del y
            grad_outputs = self._from_channels(grad_y)
            del grad_y
            self._add_gradient(grad_outputs, blocks, state.gradients)
            x = self._to_voxels(blocks, size)
            del blocks
            grad_blocks = matrix.mT @ grad_outputs
            del grad_outputs
            state.put(x, self._to_voxels(grad_blocks, size))

    def pull_back_inverse(self, state: BackwardState) -> None:
        """See `Bijection.pull_back_inverse`; in closed form: y = M x and grad_y = M grad_x."""
        x, grad_x = state.take()
        with torch.autocast(x.device.type, enabled=False):
            matrix, size = self.matrix(), x.shape[2:]
            outputs = matrix @ self._to_blocks(x)
            del x
            grad_blocks = self._to_blocks(grad_x)
            del grad_x
            self._add_gradient(outputs, grad_blocks, state.gradients)
            state.put(self._to_channels(outputs, size), self._to_channels(matrix @ grad_blocks, size))

    def extra_repr(self) -> str:
        """Return channels, stride and map."""
        return f"{self.channels}, stride={self.stride}, orthogonal={self.rotation.__name__}"

    def _add_gradient(self, rows: Tensor, columns: Tensor, gradients: Gradients) -> None:
        """Pull the gradient of the matrices, rows columns^T summed over batch and blocks, back to the weight."""
        if not self.weight.requires_grad:
            return
        grad_matrix = (rows @ columns.mT).sum(0)
        with torch.enable_grad():
            matrix = self.matrix()
        gradients.add([self.weight], torch.autograd.grad(matrix, self.weight, grad_matrix))

    def _check_divisible(self, x: Tensor) -> None:
        size = x.shape[2:]
        if len(size) != len(self.stride) or any(n % s for n, s in zip(size, self.stride, strict=True)):
            raise ValueError(
                f"An input of spatial shape {tuple(size)} came, a multiple of the stride {self.stride} is needed; "
                "pad it, or use a network with padding='auto'."
            )

    def _to_blocks(self, x: Tensor) -> Tensor:
        """(B, C, *spatial) -> (B, C, n, number of blocks)."""
        shape, order = list(x.shape[:2]), [0, 1]
        for axis, stride in enumerate(self.stride):
            shape += [x.shape[2 + axis] // stride, stride]
        order += [3 + 2 * axis for axis in range(len(self.stride))] + [2 + 2 * axis for axis in range(len(self.stride))]
        return x.reshape(shape).permute(order).reshape(x.shape[0], x.shape[1], prod(self.stride), -1)

    def _to_voxels(self, blocks: Tensor, size: Sequence[int]) -> Tensor:
        """(B, C, n, number of blocks) -> (B, C, *spatial); `size` counts blocks per axis."""
        dims = len(self.stride)
        order = [0, 1]
        for axis in range(dims):
            order += [2 + dims + axis, 2 + axis]
        voxels = blocks.reshape(blocks.shape[0], blocks.shape[1], *self.stride, *size).permute(order)
        return voxels.reshape(
            blocks.shape[0], blocks.shape[1], *[n * s for n, s in zip(size, self.stride, strict=True)]
        )

    def _to_channels(self, outputs: Tensor, size: Sequence[int]) -> Tensor:
        """(B, C, n, number of blocks) -> (B, C * n, *spatial / stride); `size` counts voxels per axis."""
        return outputs.reshape(outputs.shape[0], -1, *[n // s for n, s in zip(size, self.stride, strict=True)])

    def _from_channels(self, y: Tensor) -> Tensor:
        """(B, C * n, *spatial / stride) -> (B, C, n, number of blocks)."""
        return y.reshape(y.shape[0], self.channels, prod(self.stride), -1)
