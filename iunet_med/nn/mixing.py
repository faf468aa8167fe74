"""Orthogonal channel mixing: every voxel's channels are turned by one learnable rotation."""

from __future__ import annotations

from torch import Tensor

from iunet_med.nn.isometry import Isometry
from iunet_med.nn.orthogonal import OrthogonalMap, OrthogonalStart, orthogonal_start


class ChannelMixing(Isometry):
    """(B, C, *spatial) -> (B, C, *spatial): a convolution of kernel size 1 whose matrix is orthogonal.

    Between couplings it lets every channel meet every other one.

    Args:
        channels: channels of input and output.
        orthogonal: the map from weights to rotations.
        init: None for the identity, "random", or an orthogonal tensor (channels, channels).
        learnable: False fixes the matrix.
        on_grid: in training mode, round the results to a grid; see `Isometry`.

    Raises:
        ValueError: an unknown name, or a tensor that is no orthogonal matrix of that size.

    Source: Kingma and Dhariwal 2018, section 3.2, https://arxiv.org/abs/1807.03039, with an orthogonal matrix.

    >>> x = torch.randn(1, 4, 6)
    >>> bool(ChannelMixing(4)(x).norm().isclose(x.norm()))
    True
    """

    def __init__(
        self,
        channels: int,
        *,
        orthogonal: OrthogonalMap = "cayley",
        init: OrthogonalStart | None = None,
        learnable: bool = True,
        on_grid: bool = False,
    ) -> None:
        start = orthogonal_start("pixel_shuffle" if init is None else init, 1, (channels,))
        super().__init__(start, orthogonal=orthogonal, learnable=learnable, on_grid=on_grid)
        self.channels = channels

    def extra_repr(self) -> str:
        """Return channels and map."""
        return f"{self.channels}, orthogonal={self.rotation.__name__}"

    def _input_vectors(self, x: Tensor) -> Tensor:
        return x.flatten(2).unsqueeze(1)

    def _input(self, vectors: Tensor, output_shape: list[int]) -> Tensor:
        return vectors.reshape(output_shape)

    def _output_vectors(self, y: Tensor) -> Tensor:
        return self._input_vectors(y)

    def _output(self, vectors: Tensor, input_shape: list[int]) -> Tensor:
        return self._input(vectors, input_shape)
