"""Noise for whole numbers that is learned, so that a density on them need not be flat between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from iunet_med.networks.conditional_normal import ConditionalNormal
from iunet_med.networks.invertible_unet import InvertibleUNet
from iunet_med.nn.resampling import OrthogonalDownsampling


class VariationalDequantisation(nn.Module):
    """Draws noise in (0, 1) for images of whole numbers, with the log-density of what it drew.

    Normal numbers whose mean and deviation depend on the image go through affine couplings and a sigmoid. Trained with
    the flow by the bound that `IUNetFlow.bits_per_dim` returns, without stored activations.

    Args:
        shape: (C, *spatial) of an image, multiples of 2^levels.
        values: how many whole numbers there are, such as 256.
        levels, couplings: of both U's.
        options: of `InvertibleUNet`, such as `backprop`.

    Source: Ho et al. 2019, https://arxiv.org/abs/1902.00275, section 3.1.

    >>> noise, log_density = VariationalDequantisation((1, 8, 8), values=16)(torch.randint(0, 16, (5, 1, 8, 8)))
    >>> noise.shape, log_density.shape
    (torch.Size([5, 1, 8, 8]), torch.Size([5]))
    """

    def __init__(
        self, shape: Sequence[int], *, values: int, levels: int = 2, couplings: int = 2, **options: Any
    ) -> None:
        super().__init__()
        self.values = values
        channels, *spatial = shape
        dims = len(spatial)
        codes = channels * 2**dims
        self.given = ConditionalNormal(channels, spatial, codes=codes, levels=levels, couplings=couplings, **options)
        settings = {"norm": None, "mixing": "cayley", **options}
        width = [codes * 2**level for level in range(levels)]
        self.unet = InvertibleUNet(dims, width, couplings=couplings, coupling="affine", **settings)
        self.down = OrthogonalDownsampling(channels, (2,) * dims)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Whole numbers (B, C, *spatial) -> noise of the same shape, and its log-density in nats, (B,).

        Raises:
            ValueError: images of another shape.
        """
        dtype = next(self.parameters()).dtype
        normal = self.given(2 * x.to(dtype) / (self.values - 1) - 1)
        mean, scale = normal.mean, normal.stddev
        drawn = mean + scale * torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        moved, log_det = self.unet.forward_and_log_det(drawn)
        moved = self.down.inverse(moved)
        squeezed = (logsigmoid(moved) + logsigmoid(-moved)).flatten(1).sum(1)
        return torch.sigmoid(moved), normal.log_prob(drawn).flatten(1).sum(1) - log_det - squeezed
