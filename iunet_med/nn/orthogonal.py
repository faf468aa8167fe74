"""Orthogonal matrices: smooth maps from unconstrained matrices to rotations, and the matrices one starts from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Literal, get_args

import torch
from torch import Tensor

OrthogonalMap = Literal["cayley", "exp"]
OrthogonalStart = Literal["haar", "pixel_shuffle", "random"]


def skew(weight: Tensor) -> Tensor:
    r"""$(W - W^\top) / 2$; (..., n, n) -> (..., n, n)."""
    return (weight - weight.mT) / 2


def cayley(weight: Tensor) -> Tensor:
    r"""$(I + A)^{-1}(I - A)$, $A = (W - W^\top) / 2$; (..., n, n) -> (..., n, n). Zero gives $I$.

    Reaches every rotation without the eigenvalue -1.
    Source: Helfrich et al., ICML 2018, https://arxiv.org/abs/1707.09520."""
    a = skew(weight)
    eye = torch.eye(weight.shape[-1], dtype=weight.dtype, device=weight.device)
    rotation: Tensor = torch.linalg.solve(eye + a, eye - a)
    return rotation


def matrix_exponential(weight: Tensor) -> Tensor:
    r"""$\exp(A)$, $A = (W - W^\top) / 2$; (..., n, n) -> (..., n, n). Zero gives $I$. Reaches every rotation.

    Source: Lezcano-Casado and Martínez-Rubio, ICML 2019, https://arxiv.org/abs/1901.08428."""
    rotation: Tensor = torch.linalg.matrix_exp(skew(weight))
    return rotation


def orthogonal_map(name: OrthogonalMap) -> Callable[[Tensor], Tensor]:
    """Return `cayley` or `matrix_exponential` by name; ValueError for another."""
    maps: dict[str, Callable[[Tensor], Tensor]] = {"cayley": cayley, "exp": matrix_exponential}
    if name not in maps:
        raise ValueError(f"{name!r} is no orthogonal map; choose one of {', '.join(map(repr, maps))}.")
    return maps[name]


def haar(stride: Sequence[int]) -> Tensor:
    """Return the Haar wavelet transform of a block of `stride` voxels, (n, n) with n the number of voxels.

    Row 0 is the mean times sqrt(n); an axis of stride 4 is split twice, and so on. Voxels count with the last axis
    fastest. Raises ValueError for a stride that is no power of two.
    """
    matrix = torch.ones(1, 1, dtype=torch.float64)
    for length in stride:
        matrix = torch.kron(matrix, _haar_1d(length))
    return matrix


def _haar_1d(length: int) -> Tensor:
    if length < 1 or length & (length - 1):
        raise ValueError(
            f"The Haar transform needs strides that are powers of two, got {length}; "
            "use resampling_init='random' or 'pixel_shuffle' for this stride."
        )
    if length == 1:
        return torch.ones(1, 1, dtype=torch.float64)
    means = torch.kron(_haar_1d(length // 2), torch.tensor([[1.0, 1.0]], dtype=torch.float64))
    differences = torch.kron(torch.eye(length // 2, dtype=torch.float64), torch.tensor([[1.0, -1.0]]))
    return torch.cat([means, differences]) / 2**0.5


def random_orthogonal(matrices: int, size: int) -> Tensor:
    """Draw orthogonal matrices uniformly (by Haar measure) from the global generator: (matrices, size, size)."""
    start = torch.empty(matrices, size, size, dtype=torch.float64)
    for matrix in start:
        torch.nn.init.orthogonal_(matrix)
    return start


def orthogonal_start(name: OrthogonalStart, channels: int, stride: Sequence[int]) -> Tensor:
    """Return one orthogonal matrix per channel to start from: (channels, n, n) with n the product of `stride`.

    `haar` takes means and differences, `pixel_shuffle` moves voxels to channels as they are, `random` draws a
    matrix per channel. Raises ValueError for another name.
    """
    size = prod(stride)
    if name == "haar":
        return haar(stride).repeat(channels, 1, 1)
    if name == "pixel_shuffle":
        return torch.eye(size, dtype=torch.float64).repeat(channels, 1, 1)
    if name == "random":
        return random_orthogonal(channels, size)
    raise ValueError(f"{name!r} is no start; choose one of {', '.join(map(repr, get_args(OrthogonalStart)))}.")
