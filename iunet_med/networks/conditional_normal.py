"""Independent normal numbers whose mean and deviation an invertible U-Net reads off another image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from iunet_med.networks.iunet import IUNet
from iunet_med.nn.resampling import OrthogonalDownsampling

WIDTH = 16
LARGEST_LOG_SCALE = 3.0


class ConditionalNormal(nn.Module):
    """Images (B, C, *spatial) -> a density on codes (B, codes, *spatial / 2); standard normal until it is trained.

    Args:
        channels: of the images.
        spatial: their size.
        codes: channels of a code.
        levels: of the U that reads the images; spatial is a multiple of 2^levels.
        options: of `IUNet`, such as `backprop`.

    Source: Winkler et al. 2019, https://arxiv.org/abs/1912.00042, the conditional prior.

    >>> ConditionalNormal(1, (8, 8), codes=4)(torch.randn(5, 1, 8, 8)).mean.shape
    torch.Size([5, 4, 4, 4])
    """

    def __init__(self, channels: int, spatial: Sequence[int], *, codes: int, levels: int = 2, **options: Any) -> None:
        super().__init__()
        self.shape = (channels, *spatial)
        dims = len(spatial)
        self.down = OrthogonalDownsampling(channels, (2,) * dims)
        width = [WIDTH * 2**level for level in range(levels)]
        settings = {"norm": ("group", {"num_groups": 1}), **options}
        self.network = IUNet(dims, channels * 2**dims, 2 * codes, width, **settings)
        for parameter in self.network.head.parameters():
            nn.init.zeros_(parameter)

    def forward(self, image: Tensor) -> Normal:
        """Return the density; ValueError for images of another shape."""
        if tuple(image.shape[1:]) != self.shape:
            raise ValueError(
                f"expected conditions of shape {self.shape}, got {tuple(image.shape[1:])}; crop or resample them."
            )
        mean, log_scale = self.network(self.down(image)).chunk(2, dim=1)
        bound = LARGEST_LOG_SCALE
        return Normal(mean, torch.exp(bound * torch.tanh(log_scale / bound)), validate_args=False)
