# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
"""Triton kernels for a state in steps, int16: its values, sums and differences, and its turns between two levels.

All arithmetic that the backward pass repeats is exact, in integers or by powers of
two, so that it does not matter how a kernel is compiled. Matrices are rounded to multiples of 2^-20.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from iunet_med.nn.kernel_launch import launch, tl, triton

WIDTH = 2048
BLOCKS = 128
"""Blocks of voxels that a program turns at once."""
ROUNDS = 8
"""Groups of blocks that a program of the backward pass turns, one after the other."""
MATRIX_BITS = 20
LARGEST = tl.constexpr(2**15 - 1)


@triton.jit
def _in_steps(x, step):
    scaled = tl.floor(x.to(tl.float32) / step + 0.5)
    return tl.minimum(tl.maximum(scaled, -LARGEST), LARGEST).to(tl.int32)


@triton.jit
def _units(x_ptr, step_ptr, out_ptr, size, width: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * width + tl.arange(0, width)
    x = tl.load(x_ptr + at, mask=at < size).to(tl.float32) * tl.load(step_ptr)
    tl.store(out_ptr + at, x.to(out_ptr.dtype.element_ty), mask=at < size)


@triton.jit
def _add(u_ptr, shift_ptr, step_ptr, out_ptr, largest_ptr, size, width: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * width + tl.arange(0, width)
    shift = _in_steps(tl.load(shift_ptr + at, mask=at < size, other=0.0), tl.load(step_ptr))
    total = tl.load(u_ptr + at, mask=at < size, other=0).to(tl.int32) + shift
    tl.store(out_ptr + at, total.to(tl.int16), mask=at < size)
    tl.atomic_max(largest_ptr, tl.max(tl.abs(total), 0))


@triton.jit
def _subtract(v_ptr, shift_ptr, step_ptr, size, width: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * width + tl.arange(0, width)
    shift = _in_steps(tl.load(shift_ptr + at, mask=at < size, other=0.0), tl.load(step_ptr))
    total = tl.load(v_ptr + at, mask=at < size, other=0).to(tl.int32) - shift
    tl.store(v_ptr + at, total.to(tl.int16), mask=at < size)


def units(x: Tensor, step: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the values of steps, int16."""
    out = torch.empty_like(x, dtype=dtype)
    launch(_units, (triton.cdiv(x.numel(), WIDTH),), x, step, out, x.numel(), width=WIDTH)
    return out


def add(u: Tensor, shift: Tensor, step: Tensor, largest: Tensor) -> Tensor:
    """Return `u` plus `shift` in steps, with wrap-around; raise `largest`, int32, to the largest absolute value."""
    out = torch.empty_like(u)
    launch(_add, (triton.cdiv(u.numel(), WIDTH),), u, shift, step, out, largest, u.numel(), width=WIDTH)
    return out


def subtract_(v: Tensor, shift: Tensor, step: Tensor) -> Tensor:
    """Take `shift` in steps away from `v`, with wrap-around, in place."""
    launch(_subtract, (triton.cdiv(v.numel(), WIDTH),), v, shift, step, v.numel(), width=WIDTH)
    return v


@triton.jit
def _places(row, block, channels, batch_stride, depth, height, width, voxels,
            sd: tl.constexpr, sh: tl.constexpr, sw: tl.constexpr, n: tl.constexpr, blocks: tl.constexpr):  # fmt: skip
    """Return where the voxels of blocks lie in an image, and where their coefficients do in channels: (n, blocks)."""
    at = block * blocks + tl.arange(0, blocks)
    inside = at < voxels
    w, h, d = at % width, (at // width) % height, at // (width * height)
    i = tl.arange(0, n)
    iw, ih, id_ = i % sw, (i // sw) % sh, i // (sw * sh)
    fine = ((d[None, :] * sd + id_[:, None]) * (height * sh) + h[None, :] * sh + ih[:, None]) * (width * sw)
    fine += w[None, :] * sw + iw[:, None]
    channel = row % channels
    image = (row // channels) * batch_stride + channel * voxels * n + fine
    coarse = (row * n + i[:, None]) * voxels + at[None, :]
    return image, coarse, (i[:, None] >= 0) & inside[None, :]


@triton.jit
def _matrix(matrix_ptr, row, channels, n: tl.constexpr):
    """Return M as M[j, i, 1], in integers."""
    j, i = tl.arange(0, n)[:, None], tl.arange(0, n)[None, :]
    return tl.load(matrix_ptr + (row % channels) * n * n + j * n + i).to(tl.int64)[:, :, None]


@triton.jit
def _rounded(x, shift):
    """Return integers x / 2^shift, rounded half up; `shift` is at least 1."""
    return (x + (tl.full((), 1, tl.int64) << (shift - 1))) >> shift


@triton.jit
def _turn(
    x_ptr, y_ptr, missed_ptr, matrix_ptr, finer_ptr, largest_ptr, channels, batch_stride, depth, height, width, voxels,
    sd: tl.constexpr, sh: tl.constexpr, sw: tl.constexpr, n: tl.constexpr, blocks: tl.constexpr, bits: tl.constexpr,
    up: tl.constexpr,
):  # fmt: skip
    """Turn blocks of voxels into coefficients or, with `up`, back; keep what the way back misses."""
    row = tl.program_id(0).to(tl.int64)
    image, coarse, inside = _places(
        row, tl.program_id(1), channels, batch_stride, depth, height, width, voxels, sd, sh, sw, n, blocks
    )
    matrix, finer = _matrix(matrix_ptr, row, channels, n), tl.load(finer_ptr)
    if up:
        z = tl.load(y_ptr + coarse, mask=inside, other=0).to(tl.int64)
        x = _rounded(tl.sum(matrix * z[:, None, :], 0), bits - finer)
        tl.store(x_ptr + image, x.to(tl.int16), mask=inside)
        back = _rounded(tl.sum(matrix * x.to(tl.int16).to(tl.int64)[None, :, :], 1), bits + finer)
        tl.store(missed_ptr + coarse, (z - back).to(tl.int8), mask=inside)
        largest = tl.abs(x)
    else:
        x = tl.load(x_ptr + image, mask=inside, other=0).to(tl.int64)
        z = _rounded(tl.sum(matrix * x[None, :, :], 1), bits - finer)
        tl.store(y_ptr + coarse, z.to(tl.int16), mask=inside)
        back = _rounded(tl.sum(matrix * z.to(tl.int16).to(tl.int64)[:, None, :], 0), bits + finer)
        # What is missed of an image's channels lies in channels of its own.
        tl.store(missed_ptr + coarse, (x - back).to(tl.int8), mask=inside)
        largest = tl.abs(z)
    tl.atomic_max(largest_ptr, tl.max(tl.max(largest, 1), 0).to(tl.int32))


@triton.jit
def _turn_back(
    x_ptr, y_ptr, missed_ptr, matrix_ptr, real_ptr, finer_ptr, grad_x_ptr, grad_y_ptr, grad_matrix_ptr,
    channels, batch_stride, depth, height, width, voxels, rounds,
    sd: tl.constexpr, sh: tl.constexpr, sw: tl.constexpr, n: tl.constexpr, blocks: tl.constexpr, bits: tl.constexpr,
    up: tl.constexpr,
):  # fmt: skip
    """Undo `_turn`, turn the gradient alike, and sum up the matrices' gradient, in steps behind, over `rounds` blocks.

    `x` and its gradient are images, `y` and its gradient coefficients.
    """
    row = tl.program_id(0).to(tl.int64)
    matrix, finer = _matrix(matrix_ptr, row, channels, n), tl.load(finer_ptr)
    j, i = tl.arange(0, n)[:, None], tl.arange(0, n)[None, :]
    real = tl.load(real_ptr + (row % channels) * n * n + j * n + i).to(tl.float32)[:, :, None]
    total = tl.zeros((n, n), tl.float32)
    scale = 1.0 / (1 << bits)
    for number in range(rounds):
        image, coarse, inside = _places(
            row, tl.program_id(1) * rounds + number, channels, batch_stride, depth, height, width, voxels,
            sd, sh, sw, n, blocks,
        )  # fmt: skip
        missed = tl.load(missed_ptr + coarse, mask=inside, other=0).to(tl.int64)
        if up:
            turned = tl.sum(matrix * tl.load(x_ptr + image, mask=inside, other=0).to(tl.int64)[None, :, :], 1)
            grad = tl.load(grad_x_ptr + image, mask=inside, other=0.0).to(tl.float32)
            z = _rounded(turned, bits + finer) + missed
            tl.store(y_ptr + coarse, z.to(tl.int16), mask=inside)
            tl.store(grad_y_ptr + coarse, tl.sum(real * grad[None, :, :], 1), mask=inside)
            total += tl.sum((turned.to(tl.float32) * scale)[:, None, :] * grad[None, :, :], 2)
        else:
            turned = tl.sum(matrix * tl.load(y_ptr + coarse, mask=inside, other=0).to(tl.int64)[:, None, :], 0)
            grad = tl.load(grad_y_ptr + coarse, mask=inside, other=0.0).to(tl.float32)
            x = _rounded(turned, bits + finer) + missed
            tl.store(x_ptr + image, x.to(tl.int16), mask=inside)
            tl.store(grad_x_ptr + image, tl.sum(real * grad[:, None, :], 0), mask=inside)
            total += tl.sum(grad[:, None, :] * (turned.to(tl.float32) * scale)[None, :, :], 2)
    tl.store(grad_matrix_ptr + (row * tl.num_programs(1) + tl.program_id(1)) * n * n + j * n + i, total)


def turn(
    x: Tensor, stride: Sequence[int], matrix: Tensor, finer: Tensor, largest: Tensor, *, up: bool
) -> tuple[Tensor, Tensor]:
    """Return blocks of voxels of `x`, int16, as coefficients, or back with `up`, and what the way back misses, int8.

    (B, C, *spatial) becomes (B, C * n, *spatial / stride), n = prod(stride); with `up` the other way round.

    Args:
        x: each channel is contiguous.
        stride: one to three lengths, n a power of two.
        matrix: integers, (C, n, n), multiples of 2^-20 times 2^20.
        finer: int32, by which power of two the steps of the result are finer.
        largest: int32, raised to the largest absolute value.
    """
    size = _Size(x, stride, up=up)
    result = x.new_empty(size.image if up else size.coefficients)
    image, coefficients = (result, x.contiguous()) if up else (x, result)
    missed = torch.empty(size.coefficients, dtype=torch.int8, device=x.device)
    launch(
        _turn, (size.rows, triton.cdiv(size.voxels, BLOCKS)),
        image, coefficients, missed, matrix, finer, largest, size.channels, image.stride(0), *size.grid, size.voxels,
        *size.stride, n=size.n, blocks=BLOCKS, bits=MATRIX_BITS, up=up,
    )  # fmt: skip
    return result, missed


def turn_back(
    x: Tensor, grad: Tensor, missed: Tensor, stride: Sequence[int], matrix: Tensor, real: Tensor, finer: Tensor,
    *, up: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Return the input of `turn`, given its result `x`, the gradient there, and that of the matrices.

    `real` are the matrices in floating point. The last one is to be multiplied by the step of `x`.
    """
    size = _Size(x, stride, up=not up)
    shape = size.coefficients if up else size.image
    value, grad_value = x.new_empty(shape), grad.new_empty(shape, dtype=torch.float32)
    if up:
        x, grad = (x, grad) if x.stride(0) == grad.stride(0) else (x.contiguous(), grad.contiguous())
        pairs = (x, value, grad, grad_value)
    else:
        pairs = (value, x.contiguous(), grad_value, grad.contiguous())
    image, coefficients, grad_image, grad_coefficients = pairs
    programs = triton.cdiv(size.voxels, BLOCKS * ROUNDS)
    sums = torch.empty((size.rows, programs, size.n, size.n), dtype=torch.float32, device=x.device)
    launch(
        _turn_back, (size.rows, programs),
        image, coefficients, missed, matrix, real, finer, grad_image, grad_coefficients, sums, size.channels,
        image.stride(0), *size.grid, size.voxels, ROUNDS,
        *size.stride, n=size.n, blocks=BLOCKS, bits=MATRIX_BITS, up=up,
    )  # fmt: skip
    grad_matrix = sums.view(-1, size.channels, programs, size.n, size.n).sum((0, 2))
    return value, grad_value, grad_matrix


class _Size:
    """Sizes of an image and its coefficients, in three dimensions; `up` if those of coefficients are given."""

    def __init__(self, x: Tensor, stride: Sequence[int], *, up: bool) -> None:
        n, fill = prod(stride), [1] * (3 - len(stride))
        batch, channels, *spatial = x.shape
        self.channels = channels // n if up else channels
        coarse = spatial if up else [length // s for length, s in zip(spatial, stride, strict=True)]
        self.image = (batch, self.channels, *(length * s for length, s in zip(coarse, stride, strict=True)))
        self.coefficients = (batch, self.channels * n, *coarse)
        self.grid, self.stride, self.n = [*fill, *coarse], [*fill, *stride], n
        self.rows, self.voxels = batch * self.channels, prod(coarse)
