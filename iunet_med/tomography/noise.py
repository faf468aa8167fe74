"""Photon noise of projections."""

import torch
from torch import Tensor


def photon_noise(sinogram: Tensor, photons: float, *, generator: torch.Generator | None = None) -> Tensor:
    """Line integrals of attenuation -> the same as measured by counting photons.

    Of each ray's `photons` as many arrive as a Poisson variable of mean `photons * exp(-integral)` says; where none
    does, one is counted, so that the logarithm exists.

    Args:
        sinogram: line integrals, without unit; any shape.
        photons: those sent along each ray.
        generator: the source of chance, on the sinogram's device.

    Raises:
        ValueError: not one photon, or integrals that are not finite.
    """
    if not photons >= 1:
        raise ValueError(f"photons={photons}: expected one or more per ray, such as 1e4.")
    if not bool(sinogram.isfinite().all()):
        raise ValueError("sinogram: expected finite line integrals, got NaN or infinite ones.")
    counted = torch.poisson(photons * torch.exp(-sinogram), generator=generator)
    return -(counted.clamp_min(1) / photons).log()
