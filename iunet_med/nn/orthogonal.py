"""Orthogonal matrices: smooth maps from unconstrained matrices to rotations, and the matrices one starts from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Literal, get_args

import torch
from torch import Tensor

OrthogonalMap = Literal["cayley", "exp", "householder", "givens"]
StartName = Literal["haar", "pixel_shuffle", "random"]
OrthogonalStart = StartName | Tensor


def skew(weight: Tensor) -> Tensor:
    r"""$(W - W^\top) / 2$; (..., n, n) -> (..., n, n)."""
    return (weight - weight.mT) / 2


def cayley(weight: Tensor) -> Tensor:
    r"""$(I + A)^{-1}(I - A)$, $A = (W - W^\top) / 2$; (..., n, n) -> (..., n, n). Zero gives $I$.

    Reaches every rotation without the eigenvalue -1.
    Source: Helfrich et al., ICML 2018, https://arxiv.org/abs/1707.09520."""
    a = skew(weight)
    eye = torch.eye(weight.shape[-1], dtype=weight.dtype, device=weight.device)
    # I + A has no singular value below 1; a check of the result would make a GPU wait.
    rotation: Tensor = torch.linalg.solve_ex(eye + a, eye - a).result
    return rotation


def matrix_exponential(weight: Tensor) -> Tensor:
    r"""$\exp(A)$, $A = (W - W^\top) / 2$; (..., n, n) -> (..., n, n). Zero gives $I$. Reaches every rotation.

    Source: Lezcano-Casado and Martínez-Rubio, ICML 2019, https://arxiv.org/abs/1901.08428."""
    rotation: Tensor = torch.linalg.matrix_exp(skew(weight))
    return rotation


def householder(weight: Tensor) -> Tensor:
    r"""$-H_1 \cdots H_n$, $H_i = I - 2 v_i v_i^\top / \|v_i\|^2$; (..., n, n) -> (..., n, n). Zero gives $I$.

    $v_i$ is column i of $I + \mathrm{tril}(A)$, $A = (W - W^\top) / 2$, so it is never zero. The product is
    $I - V T V^\top$ with $T^{-1}$ the upper triangle of $V^\top V$, its diagonal halved. Reaches every rotation but a
    set of measure zero.
    Source: Joffrain et al., ACM TOMS 32 (2006), https://doi.org/10.1145/1141885.1141886."""
    eye = torch.eye(weight.shape[-1], dtype=weight.dtype, device=weight.device)
    v = torch.nn.functional.normalize(eye + skew(weight).tril(), dim=-2)
    t_inverse = (v.mT @ v).triu() - eye / 2
    rotation: Tensor = v @ torch.linalg.solve_triangular(t_inverse, v.mT, upper=True) - eye
    return rotation


def givens(weight: Tensor) -> Tensor:
    r"""Product of rotations in the planes (i, j), i < j, by the angles $A_{ij}$, $A = (W - W^\top) / 2$.

    (..., n, n) -> (..., n, n). Zero gives $I$. Reaches every rotation. The order is (0, 1), (0, 2), ..., (1, 2), ...;
    planes of equal i + j do not touch and come after those of a smaller sum, so each sum is one factor.
    Source: Golub and Van Loan, Matrix Computations, 4th ed., section 5.2; the order of Sameh and Kuck, J. ACM 25
    (1978), https://doi.org/10.1145/322047.322054."""
    a = skew(weight)
    index = torch.arange(a.shape[-1], device=a.device)
    plane_sum = index + index.unsqueeze(-1)
    rotation = torch.eye(a.shape[-1], dtype=a.dtype, device=a.device).expand(a.shape)
    for i_plus_j in range(1, 2 * a.shape[-1] - 2):
        angles = a * (plane_sum == i_plus_j)
        rotation = rotation @ (torch.sin(angles) + torch.diag_embed(torch.cos(angles.sum(-1))))
    return rotation


def orthogonal_map(name: OrthogonalMap) -> Callable[[Tensor], Tensor]:
    """Return the map from weights to rotations of that name; ValueError for another."""
    maps: dict[str, Callable[[Tensor], Tensor]] = {
        "cayley": cayley,
        "exp": matrix_exponential,
        "householder": householder,
        "givens": givens,
    }
    if name not in maps:
        raise ValueError(f"Unknown orthogonal map {name!r}; choose one of {', '.join(map(repr, maps))}.")
    return maps[name]


def polished(matrix: Tensor) -> Tensor:
    """Take one Newton-Schulz step to the nearest orthogonal matrix, (..., n, n): an error e becomes about e squared.

    Source: Higham, Functions of Matrices, section 8.3."""
    return 1.5 * matrix - 0.5 * matrix @ matrix.mT @ matrix


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


def orthogonal_start(init: OrthogonalStart, channels: int, stride: Sequence[int]) -> Tensor:
    """Return one orthogonal matrix per channel to start from: (channels, n, n) with n the product of `stride`.

    `haar` takes means and differences, `pixel_shuffle` moves voxels to channels as they are, `random` draws a
    matrix per channel; a tensor (n, n) or (channels, n, n) is taken as it is. Raises ValueError for another name, and
    for a tensor that is of another shape or not orthogonal.
    """
    size = prod(stride)
    if isinstance(init, Tensor):
        return _given(init, channels, size)
    if init == "haar":
        return haar(stride).repeat(channels, 1, 1)
    if init == "pixel_shuffle":
        return torch.eye(size, dtype=torch.float64).repeat(channels, 1, 1)
    if init == "random":
        return random_orthogonal(channels, size)
    raise ValueError(
        f"{init!r} is no start; choose one of {', '.join(map(repr, get_args(StartName)))}, or give a tensor."
    )


def _given(matrix: Tensor, channels: int, size: int) -> Tensor:
    if not matrix.is_floating_point() or matrix.shape not in ((size, size), (channels, size, size)):
        raise ValueError(
            f"Expected a start of floating-point numbers of shape {(size, size)}, or {(channels, size, size)} for one "
            f"matrix per channel, got shape {tuple(matrix.shape)} and type {matrix.dtype}."
        )
    start = matrix.detach().double()
    error = float((start @ start.mT - torch.eye(size, dtype=start.dtype, device=start.device)).abs().max())
    # What one Newton step makes right to the precision of the given type.
    if not error <= torch.finfo(matrix.dtype).eps ** 0.5:
        raise ValueError(
            f"Expected an orthogonal start, got one whose rows' products differ from the identity by {error:.2g}; give "
            "its orthogonal factor, torch.linalg.qr(start).Q for example."
        )
    return polished(start).expand(channels, size, size).clone()
