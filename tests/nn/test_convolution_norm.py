from math import cos, pi

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch.nn import functional as F

from iunet_med.nn.convolution_norm import convolution_norm_bound

CASES = [((3, 2, 5), (24,)), ((2, 3, 3, 3), (10, 10)), ((2, 2, 1, 3), (6, 12)), ((2, 2, 3, 3, 3), (6, 6, 6))]


def operator_norm(kernel: Tensor, size: tuple[int, ...]) -> Tensor:
    convolve = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[len(size)]
    units = torch.eye(kernel.shape[1] * torch.Size(size).numel(), dtype=kernel.dtype)
    padding = [length // 2 for length in kernel.shape[2:]]
    columns = convolve(units.unflatten(1, (kernel.shape[1], *size)), kernel, padding=padding)
    return torch.linalg.matrix_norm(columns.flatten(1), 2)


@pytest.mark.parametrize(("shape", "size"), CASES)
def test_bound_is_above_the_operator_norm_and_not_far(shape: tuple[int, ...], size: tuple[int, ...]) -> None:
    for seed in range(3):
        kernel = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        norm, bound = operator_norm(kernel, size), convolution_norm_bound(kernel)
        assert norm <= bound <= 1.5 * norm


def test_kernels_whose_norm_is_known() -> None:
    mean, slack = torch.full((1, 1, 3, 3), 1 / 9, dtype=torch.float64), cos(pi / 8) ** -2
    torch.testing.assert_close(convolution_norm_bound(mean).item(), slack)
    matrix = torch.diag(torch.tensor([3.0, 1.0, 2.0], dtype=torch.float64))[:, :, None]
    torch.testing.assert_close(convolution_norm_bound(matrix).item(), 3.0, rtol=1e-6, atol=0)


def test_bound_scales_with_the_kernel_also_where_squares_overflow() -> None:
    kernel = torch.randn(4, 4, 3, 3)
    bound = convolution_norm_bound(kernel)
    for scale in (1e-30, 1e30):
        torch.testing.assert_close(convolution_norm_bound(scale * kernel), scale * bound)


def test_derivative() -> None:
    kernel = torch.randn(2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert gradcheck(convolution_norm_bound, kernel)


def test_zero_kernel_has_bound_zero_and_a_finite_derivative() -> None:
    kernel = torch.zeros(2, 2, 3, requires_grad=True)
    bound = convolution_norm_bound(kernel)
    assert bound <= 1e-20
    assert torch.equal(torch.autograd.grad(bound, kernel)[0], torch.zeros_like(kernel))
