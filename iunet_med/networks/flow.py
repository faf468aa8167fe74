"""IUNetFlow: a density on images, by a normalising flow in the shape of an invertible U-Net."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from iunet_med.networks.bits import bits_per_dim
from iunet_med.networks.conditional_normal import ConditionalNormal
from iunet_med.networks.dequantisation import VariationalDequantisation
from iunet_med.networks.invertible_unet import InvertibleUNet
from iunet_med.nn.activation_norm import ActivationNorm
from iunet_med.nn.resampling import OrthogonalDownsampling


class IUNetFlow(nn.Module):
    """A density on images of one shape: a bijection to independent standard normal numbers.

    Each image is normalised, its channels are multiplied by a first invertible downsampling, and an `InvertibleUNet` of
    affine couplings with orthogonal mixing in between maps it. Downsampling and mixing preserve volume, so that the
    log-determinant is that of the couplings and of the normalisation. Trained without stored activations, the
    log-determinant included.

    Args:
        shape: (C, *spatial) of an image; 1 to 3 spatial axes, multiples of 2^levels.
        levels: of the U; each halves the resolution of the one above, and has twice its channels.
        couplings: affine couplings per level and branch.
        condition_channels: of images of the same size that the density is conditional on; 0 for none. The codes then
            have a mean and a deviation that an IUNet reads off the condition.
        options: of `InvertibleUNet`, such as `norm`, `coupling_depth` or `backprop`.

    Raises:
        ValueError: a shape that the levels do not divide.

    Source: Etmann, Ke and Schönlieb 2020, https://arxiv.org/abs/2005.05220, section 5.3; Dinh, Sohl-Dickstein and
    Bengio 2017, https://arxiv.org/abs/1605.08803.

    >>> flow = IUNetFlow((1, 8, 8), levels=2)
    >>> flow.log_prob(torch.randn(5, 1, 8, 8)).shape
    torch.Size([5])
    """

    def __init__(
        self,
        shape: Sequence[int],
        *,
        levels: int = 2,
        couplings: int = 4,
        condition_channels: int = 0,
        **options: Any,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        channels, *spatial = self.shape
        dims = len(spatial)
        if not 1 <= dims <= 3 or any(length % 2**levels for length in spatial):
            raise ValueError(
                f"shape {self.shape}: expected 1 to 3 spatial axes of multiples of {2**levels} for {levels} levels; "
                "pad the images, or take fewer levels."
            )
        settings = {"norm": None, "mixing": "cayley", **options}
        first = channels * 2**dims
        self.norm = ActivationNorm(channels)
        self.down = OrthogonalDownsampling(channels, (2,) * dims)
        self.unet = InvertibleUNet(
            dims, [first * 2**level for level in range(levels)], couplings=couplings, coupling="affine", **settings
        )
        backprop = {"backprop": options["backprop"]} if "backprop" in options else {}
        self.given = (
            ConditionalNormal(condition_channels, spatial, codes=first, levels=levels, **backprop)
            if condition_channels
            else None
        )

    @property
    def code_shape(self) -> tuple[int, ...]:
        """(C, *spatial) of a code."""
        channels, *spatial = self.shape
        return (channels * 2 ** len(spatial), *(length // 2 for length in spatial))

    def forward_and_log_det(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map images (B, C, *spatial) to codes, of the U's channels and size, and log |det| in nats, (B,).

        Raises:
            ValueError: another shape, or values that are no finite numbers.
        """
        self._check(x)
        x, scaled = self.norm.forward_and_log_det(x)
        z, log_det = self.unet.forward_and_log_det(self.down(x))
        return z, log_det + scaled

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return `log_prob(x)`, so that wrappers such as DistributedDataParallel can train it."""
        return self.log_prob(x, condition)

    def log_prob(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the log-density of images (B, C, *spatial), in nats, (B,).

        Args:
            x: the images.
            condition: (B, condition_channels, *spatial), where the density is conditional.

        Raises:
            ValueError: as in `forward_and_log_det`; a condition that is missing, or not expected.
        """
        z, log_det = self.forward_and_log_det(x)
        base: Tensor = self._base(condition).log_prob(z)  # type: ignore[no-untyped-call]
        return base.flatten(1).sum(1) + log_det

    def inverse(self, z: Tensor) -> Tensor:
        """Map codes to images."""
        return self.norm.inverse(self.down.inverse(self.unet.inverse(z)))

    @torch.no_grad()
    def sample(
        self,
        count: int,
        condition: Tensor | None = None,
        *,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw images (count, C, *spatial); a temperature below 1 draws codes nearer to their mean.

        `condition` has the shape (count, condition_channels, *spatial), or 1 in place of the count for one that all
        share. Warns if the flow has seen no image yet.
        """
        if not self.norm.is_set:
            warnings.warn("This flow was not trained: its samples are noise. Train it, or load weights.", stacklevel=2)
        weight = self.norm.shift
        z = torch.randn((count, *self.code_shape), generator=generator, device=weight.device, dtype=weight.dtype)
        base = self._base(condition)
        return self.inverse(base.mean + temperature * base.stddev * z)

    def bits_per_dim(
        self,
        x: Tensor,
        levels: int,
        condition: Tensor | None = None,
        *,
        dequantisation: VariationalDequantisation | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return a bound on the bits per value of images of whole numbers, (B,), as `bits_per_dim` does.

        Args:
            x: (B, C, *spatial), whole numbers from 0 to `levels` - 1.
            levels: how many values there are, such as 256.
            condition: as in `log_prob`.
            dequantisation: draws the noise between whole numbers; uniform without.
            generator: of the noise.

        Raises:
            ValueError: as in `log_prob` and in `bits_per_dim`.
        """
        return bits_per_dim(
            lambda values: self.log_prob(values, condition),
            x.to(self.norm.shift.dtype),
            levels,
            dequantisation=dequantisation,
            generator=generator,
        )

    @torch.no_grad()
    def reconstruction_error(self, x: Tensor) -> float:
        """Return max |inverse(f(x)) - x|: what rounding adds up to; training rebuilds activations the same way."""
        return float((self.inverse(self.forward_and_log_det(x)[0]) - x).abs().max())

    def _base(self, condition: Tensor | None) -> Normal:
        """The density on codes, (B or 1, *code)."""
        if self.given is not None and condition is not None:
            normal: Normal = self.given(condition)
            return normal
        if self.given is not None or condition is not None:
            expected, got = ("a condition", "none") if self.given is not None else ("no condition", "one")
            raise ValueError(f"expected {expected}, got {got}; see `condition_channels` of IUNetFlow.")
        weight = self.norm.shift
        return Normal(weight.new_zeros((1, *self.code_shape)), 1.0, validate_args=False)

    def _check(self, x: Tensor) -> None:
        if tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"expected images of shape {self.shape}, got {tuple(x.shape[1:])}; crop or resample them.")
        if not bool(torch.isfinite(x).all()):
            raise ValueError("expected finite numbers, got NaN or infinity; look at the images.")
