"""Sizes that the strides do not divide: padded before the network, cropped behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

Padding = Literal["auto", "none"]


def pad(x: Tensor, reach: Sequence[int], padding: Padding) -> Tensor:
    """Repeat the border of (B, C, *spatial) at the high end of each axis, up to multiples of `reach`.

    Raises:
        ValueError: an axis shorter than `reach`, or, with padding="none", a size that is no multiple of it.
    """
    size = x.shape[2:]
    if min(n - r for n, r in zip(size, reach, strict=True)) < 0:
        raise ValueError(
            f"Expected at least the network's reach, {tuple(reach)} voxels (the product of its strides per axis), got "
            f"{tuple(size)}; give a larger image or patch, or a network with fewer levels."
        )
    missing = [-n % r for n, r in zip(size, reach, strict=True)]
    if not any(missing):
        return x
    if padding == "none":
        raise ValueError(
            f"Expected a spatial shape of multiples of {tuple(reach)}, got {tuple(size)}; pad it to "
            f"{tuple(n + m for n, m in zip(size, missing, strict=True))} or set padding='auto'."
        )
    return pad_to_multiples(x, list(reach))


def pad_to_multiples(x: Tensor, multiples: list[int]) -> Tensor:
    """Repeat the border of (B, C, *spatial) at the high end of each axis; one that TorchScript compiles."""
    padding: list[int] = []
    for axis in range(len(multiples)):
        padding = [0, -x.shape[2 + axis] % multiples[axis]] + padding  # noqa: RUF005  (TorchScript knows no stars)
    return F.pad(x, padding, mode="replicate")


def crop(x: Tensor, spatial_shape: list[int]) -> Tensor:
    """Cut (B, C, *spatial) at the high end of each axis to `spatial_shape`."""
    for axis, length in enumerate(spatial_shape):
        x = x.narrow(2 + axis, 0, length)
    return x
