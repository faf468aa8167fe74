"""A proven bound of a convolution's Lipschitz constant, which torch differentiates."""

from __future__ import annotations

from math import cos, pi, prod

import torch
from torch import Tensor

SAMPLES_PER_STEP = 4
"""Frequencies per axis and step of the kernel: the bound exceeds the largest gain by up to 1 / cos(pi / 8) per axis."""
GRAM_ITERATIONS = 5
"""The Schatten norm of order 2^(1 + 5) exceeds the spectral norm of a C x C matrix by up to C^(1 / 64)."""


def convolution_norm_bound(kernel: Tensor) -> Tensor:
    """Return an upper bound of the operator norm of the convolution by `kernel`, with stride 1 and zero padding.

    Zero padding only leaves out values, so the norm is at most that on an endless grid: the largest spectral norm of
    the kernel's Fourier transform, a trigonometric polynomial. Samples of it bound it (Ehlich and Zeller 1964), and
    Gram iteration bounds each spectral norm from above. The bound holds for every image size; it is 0 for a kernel of
    zeros. Power iteration, in contrast, comes from below, and would change its state in each pass.

    Args:
        kernel: (out channels, in channels, *odd lengths).

    Source: Delattre et al., ICML 2023, https://arxiv.org/abs/2305.16173; Ehlich and Zeller, Math. Z. 86 (1964),
    https://doi.org/10.1007/BF01111276.
    """
    lengths = kernel.shape[2:]
    axes = tuple(range(2, kernel.dim()))
    samples = [max(1, SAMPLES_PER_STEP * (length - 1)) for length in lengths]
    between_samples = prod(cos(pi * (length - 1) / 2 / n) for length, n in zip(lengths, samples, strict=True))
    spectrum = torch.fft.rfftn(kernel, s=samples, dim=axes).flatten(2).permute(2, 0, 1)
    if spectrum.shape[-2] < spectrum.shape[-1]:
        spectrum = spectrum.mT
    return _largest_spectral_norm(spectrum) / between_samples


def _largest_spectral_norm(matrices: Tensor) -> Tensor:
    """Bound the largest spectral norm of (..., m, n) matrices by their Schatten norm of a high order."""
    bound = matrices.new_ones((), dtype=matrices.real.dtype)
    tiny = torch.finfo(bound.dtype).tiny
    for iteration in range(GRAM_ITERATIONS):
        # Any constant factor may be taken out, so none of it needs a derivative.
        factor = matrices.detach().abs().amax().clamp(min=tiny)
        bound = bound * factor ** (0.5**iteration)
        matrices = matrices / factor
        matrices = matrices.mH @ matrices
    last: Tensor = torch.linalg.matrix_norm(matrices).amax()
    return bound * last.clamp(min=tiny) ** (0.5**GRAM_ITERATIONS)
