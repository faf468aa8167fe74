# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
"""Triton kernels for instance normalisation and leaky ReLU in one: a row is one channel of one image.

Each pass runs over the data twice: first for sums, in many pieces per row, then
for the result, by programs that add up the pieces of their row themselves.
"""

from __future__ import annotations

import torch
from torch import Tensor

from iunet_med.nn.kernel_launch import launch, tl, triton

BLOCK = 4096
PROGRAMS = 2048
"""About how many pieces all rows are cut into: enough to keep every multiprocessor of a GPU busy."""
MOST_PIECES = 64


@triton.jit
def _moments(x_ptr, mean_ptr, squares_ptr, size, blocks, width: tl.constexpr):
    """Mean, and sum of squared distances from it, of a piece of `blocks` blocks of a row."""
    row, piece = tl.program_id(0).to(tl.int64), tl.program_id(1)
    mean, squares, count = 0.0, 0.0, 0.0
    for block in range(blocks):
        at = (piece * blocks + block) * width + tl.arange(0, width)
        inside = at < size
        x = tl.load(x_ptr + row * size + at, mask=inside, other=0.0).to(tl.float32)
        here = tl.sum(inside.to(tl.float32), 0)
        here_mean = tl.sum(x, 0) / tl.maximum(here, 1.0)
        distance = tl.where(inside, x - here_mean, 0.0)
        total = tl.maximum(count + here, 1.0)
        shift = here_mean - mean
        mean += shift * here / total
        squares += tl.sum(distance * distance, 0) + shift * shift * count * here / total
        count += here
    tl.store(mean_ptr + row * tl.num_programs(1) + piece, mean)
    tl.store(squares_ptr + row * tl.num_programs(1) + piece, squares)


@triton.jit
def _apply(
    x_ptr, y_ptr, weight_ptr, bias_ptr, mean_ptr, squares_ptr, out_mean_ptr, out_scale_ptr,
    size, channels, blocks, pieces, eps, slope, width: tl.constexpr, most_pieces: tl.constexpr,
):  # fmt: skip
    """Normalise a block of a row and apply the activation; the first block keeps the row's mean and scale."""
    row, block = tl.program_id(0).to(tl.int64), tl.program_id(1)
    piece = tl.arange(0, most_pieces)
    there = piece < pieces
    counts = tl.minimum(tl.maximum(size - piece * blocks * width, 0), blocks * width).to(tl.float32)
    means = tl.load(mean_ptr + row * pieces + piece, mask=there, other=0.0)
    mean = tl.sum(tl.where(there, means * counts, 0.0), 0) / size
    distance = tl.where(there, means - mean, 0.0)
    squares = tl.load(squares_ptr + row * pieces + piece, mask=there, other=0.0) + distance * distance * counts
    scale = 1 / tl.sqrt(tl.sum(squares, 0) / size + eps)
    if block == 0:
        tl.store(out_mean_ptr + row, mean)
        tl.store(out_scale_ptr + row, scale)
    weight = tl.load(weight_ptr + row % channels).to(tl.float32)
    bias = tl.load(bias_ptr + row % channels).to(tl.float32)
    at = block * width + tl.arange(0, width)
    inside = at < size
    x = tl.load(x_ptr + row * size + at, mask=inside, other=0.0).to(tl.float32)
    z = (x - mean) * (scale * weight) + bias
    y = tl.where(z > 0, z, slope * z)
    tl.store(y_ptr + row * size + at, y.to(y_ptr.dtype.element_ty), mask=inside)


@triton.jit
def _sums(
    x_ptr, grad_ptr, weight_ptr, bias_ptr, mean_ptr, scale_ptr, sum_ptr, product_ptr,
    size, channels, blocks, slope, width: tl.constexpr,
):  # fmt: skip
    """Sums, over a piece of a row, of the gradient before the activation and of its product with the normalised x."""
    row, piece = tl.program_id(0).to(tl.int64), tl.program_id(1)
    weight = tl.load(weight_ptr + row % channels).to(tl.float32)
    bias = tl.load(bias_ptr + row % channels).to(tl.float32)
    mean, scale = tl.load(mean_ptr + row), tl.load(scale_ptr + row)
    total = tl.zeros((width,), tl.float32)
    product = tl.zeros((width,), tl.float32)
    for block in range(blocks):
        at = (piece * blocks + block) * width + tl.arange(0, width)
        inside = at < size
        x = (tl.load(x_ptr + row * size + at, mask=inside, other=0.0).to(tl.float32) - mean) * scale
        grad = tl.load(grad_ptr + row * size + at, mask=inside, other=0.0).to(tl.float32)
        grad = tl.where(x * weight + bias > 0, grad, slope * grad)
        total += grad
        product += tl.where(inside, grad * x, 0.0)
    tl.store(sum_ptr + row * tl.num_programs(1) + piece, tl.sum(total, 0))
    tl.store(product_ptr + row * tl.num_programs(1) + piece, tl.sum(product, 0))


@triton.jit
def _gradient(
    x_ptr, grad_ptr, weight_ptr, bias_ptr, mean_ptr, scale_ptr, sum_ptr, product_ptr, out_ptr,
    size, channels, pieces, slope, width: tl.constexpr, most_pieces: tl.constexpr,
):  # fmt: skip
    """The gradient with respect to a block of a row."""
    row, block = tl.program_id(0).to(tl.int64), tl.program_id(1)
    piece = tl.arange(0, most_pieces)
    total = tl.sum(tl.load(sum_ptr + row * pieces + piece, mask=piece < pieces, other=0.0), 0) / size
    product = tl.sum(tl.load(product_ptr + row * pieces + piece, mask=piece < pieces, other=0.0), 0) / size
    weight = tl.load(weight_ptr + row % channels).to(tl.float32)
    bias = tl.load(bias_ptr + row % channels).to(tl.float32)
    mean, scale = tl.load(mean_ptr + row), tl.load(scale_ptr + row)
    at = block * width + tl.arange(0, width)
    inside = at < size
    x = (tl.load(x_ptr + row * size + at, mask=inside, other=0.0).to(tl.float32) - mean) * scale
    grad = tl.load(grad_ptr + row * size + at, mask=inside, other=0.0).to(tl.float32)
    grad = tl.where(x * weight + bias > 0, grad, slope * grad)
    out = (grad - total - x * product) * (scale * weight)
    tl.store(out_ptr + row * size + at, out.to(out_ptr.dtype.element_ty), mask=inside)


def forward(x: Tensor, weight: Tensor, bias: Tensor, eps: float, slope: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return the result for contiguous (B, C, *spatial), and the mean and scale of each row, float32."""
    rows, size, blocks, pieces = _cut(x)
    means, squares = x.new_empty((2, rows, pieces), dtype=torch.float32)
    mean, scale = x.new_empty((2, rows), dtype=torch.float32)
    y = torch.empty_like(x)
    launch(_moments, (rows, pieces), x, means, squares, size, blocks, width=BLOCK)
    launch(
        _apply, (rows, triton.cdiv(size, BLOCK)),
        x, y, weight, bias, means, squares, mean, scale, size, x.shape[1], blocks, pieces, eps, slope,
        width=BLOCK, most_pieces=MOST_PIECES,
    )  # fmt: skip
    return y, mean, scale


def backward(
    x: Tensor, grad: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, scale: Tensor, slope: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients with respect to `x`, `weight` and `bias`."""
    rows, size, blocks, pieces = _cut(x)
    sums = x.new_empty((2, rows, pieces), dtype=torch.float32)
    grad_x, channels = torch.empty_like(x), x.shape[1]
    launch(
        _sums, (rows, pieces),
        x, grad, weight, bias, mean, scale, sums[0], sums[1], size, channels, blocks, slope, width=BLOCK,
    )  # fmt: skip
    launch(
        _gradient, (rows, triton.cdiv(size, BLOCK)),
        x, grad, weight, bias, mean, scale, sums[0], sums[1], grad_x, size, channels, pieces, slope,
        width=BLOCK, most_pieces=MOST_PIECES,
    )  # fmt: skip
    grad_bias, grad_weight = sums.view(2, -1, channels, pieces).sum((1, 3))
    return grad_x, grad_weight.to(weight.dtype), grad_bias.to(bias.dtype)


def _cut(x: Tensor) -> tuple[int, int, int, int]:
    """Return how many rows there are, their length, and the blocks per piece and pieces per row."""
    rows, size = x.shape[0] * x.shape[1], x[0, 0].numel()
    wanted = min(MOST_PIECES, max(1, PROGRAMS // rows))
    blocks = triton.cdiv(triton.cdiv(size, BLOCK), wanted)
    return rows, size, blocks, triton.cdiv(size, blocks * BLOCK)
