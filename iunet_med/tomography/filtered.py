"""Filtered backprojection around an upright axis, slice by slice."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

Window = Literal["ram-lak", "hann"]


def filtered_backprojection(sinogram: Tensor, angles: Tensor, *, window: Window = "ram-lak") -> Tensor:
    """(B, A, X, Z) -> (B, 1, X, X, Z), zero outside of the cylinder that every ray sees.

    It takes the axis for upright and steady, as a scanner's software does that knows no better.

    Args:
        sinogram: line integrals as from `project`.
        angles: (A,) in radians, spread evenly over half a turn.
        window: what the ramp is multiplied by: nothing, or Hann's window.

    Raises:
        ValueError: another number of angles, or an unknown window.

    Source: Kak and Slaney, Principles of Computerized Tomographic Imaging, 1988, chapter 3.
    """
    if sinogram.ndim != 4 or sinogram.shape[1] != len(angles):
        raise ValueError(f"sinogram: expected shape (B, {len(angles)}, N, Z), got {tuple(sinogram.shape)}.")
    if window not in ("ram-lak", "hann"):
        raise ValueError(f"window={window!r}: expected ram-lak or hann.")
    batch, _, columns, rows = sinogram.shape
    filtered = _filtered(sinogram, window)
    place = torch.arange(columns, dtype=sinogram.dtype, device=sinogram.device) - (columns - 1) / 2
    x, y = torch.meshgrid(place, place, indexing="ij")
    volume = sinogram.new_zeros(batch, rows, columns, columns)
    for index, angle in enumerate(angles.tolist()):
        column = x * math.cos(angle) - y * math.sin(angle)
        at = torch.stack([column * 2 / columns, torch.zeros_like(column)], -1)[None].expand(batch, -1, -1, -1)
        view = filtered[:, index].transpose(1, 2)[:, :, None]
        volume += grid_sample(view, at, align_corners=False)
    seen = (x.square() + y.square()).sqrt() <= columns / 2
    return (volume * (seen * (math.pi / len(angles)))).permute(0, 2, 3, 1)[:, None]


def _filtered(sinogram: Tensor, window: Window) -> Tensor:
    """The projections along their columns by the ramp, padded so that no end meets the other."""
    columns = sinogram.shape[2]
    length = max(64, 2 ** math.ceil(math.log2(2 * columns)))
    step = torch.arange(length, dtype=torch.float64)
    distance = torch.minimum(step, length - step)
    odd = distance % 2 == 1
    kernel = torch.where(odd, -1 / (math.pi * distance.clamp_min(1)).square(), torch.zeros(()))
    kernel[0] = 0.25
    response = torch.fft.rfft(kernel).real
    if window == "hann":
        frequency = torch.arange(len(response), dtype=torch.float64) / length
        response = response * (0.5 + 0.5 * torch.cos(2 * math.pi * frequency))
    spectrum = torch.fft.rfft(sinogram, n=length, dim=2) * response.to(sinogram)[:, None]
    filtered: Tensor = torch.fft.irfft(spectrum, n=length, dim=2)
    return filtered[:, :, :columns]
