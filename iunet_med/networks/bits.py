"""Bits per value: what images of whole numbers cost when a density codes them."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from iunet_med.networks.dequantisation import VariationalDequantisation


def bits_per_dim(
    log_prob: Callable[[Tensor], Tensor],
    x: Tensor,
    levels: int,
    *,
    dequantisation: VariationalDequantisation | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return a bound on the bits per value of images of whole numbers, (B,).

    Args:
        log_prob: the log-density, in nats, of images (B, C, *spatial) with values from 0 to 1.
        x: (B, C, *spatial), whole numbers from 0 to `levels` - 1.
        levels: how many values there are, such as 256.
        dequantisation: draws the noise between whole numbers; uniform without.
        generator: of the noise.

    Raises:
        ValueError: values that are no whole numbers, or beyond the levels.

    Source: Theis, van den Oord and Bethge 2016, https://arxiv.org/abs/1511.01844.
    """
    if x.min() < 0 or x.max() > levels - 1 or bool((x != x.round()).any()):
        raise ValueError(
            f"expected whole numbers from 0 to {levels - 1}, got values from {x.min():g} to {x.max():g}; give "
            "images as they are stored, not normalised."
        )
    if dequantisation is None:
        dtype = x.dtype if x.is_floating_point() else torch.get_default_dtype()
        noise = torch.rand(x.shape, generator=generator, device=x.device, dtype=dtype)
        log_noise = noise.new_zeros(len(noise))
    else:
        noise, log_noise = dequantisation(x, generator)
    gained = log_prob((x.to(noise.dtype) + noise) / levels) - log_noise
    return -gained / (x[0].numel() * math.log(2)) + math.log2(levels)


class BitsPerDim(nn.Module):
    """Whole numbers (B, C, *spatial) -> bits per value, (B,): what a training makes small.

    Args:
        flow: images with values from 0 to 1 -> their log-density in nats, such as an `IUNetFlow`.
        levels: how many values there are.
        dequantisation: trained with the flow; uniform noise without.
    """

    def __init__(
        self, flow: nn.Module, levels: int, *, dequantisation: VariationalDequantisation | None = None
    ) -> None:
        super().__init__()
        self.flow, self.levels, self.dequantisation = flow, levels, dequantisation

    def forward(self, x: Tensor) -> Tensor:
        """Return the bits per value; ValueError as in `bits_per_dim`."""
        return bits_per_dim(self.flow, x, self.levels, dequantisation=self.dequantisation)
