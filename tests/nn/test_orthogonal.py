import pytest
import torch
from torch.autograd import gradcheck

from iunet_med.nn.orthogonal import cayley, haar, matrix_exponential, orthogonal_map, orthogonal_start, skew

MAPS = [cayley, matrix_exponential]


@pytest.mark.parametrize("rotation", MAPS)
@pytest.mark.parametrize("norm", [0.0, 0.1, 1.0, 10.0])
@pytest.mark.parametrize("size", [2, 3, 8])
def test_maps_give_rotations_with_the_right_derivative(rotation, norm: float, size: int) -> None:
    weight = norm * torch.randn(2, size, size, dtype=torch.float64)
    matrix = rotation(weight)
    torch.testing.assert_close(matrix @ matrix.mT, torch.eye(size, dtype=torch.float64).expand(2, -1, -1))
    torch.testing.assert_close(torch.linalg.det(matrix), torch.ones(2, dtype=torch.float64))
    assert gradcheck(rotation, weight.requires_grad_())


@pytest.mark.parametrize("rotation", MAPS)
@pytest.mark.parametrize("norm", [0.0, 0.1, 1.0, 10.0])
def test_derivative_in_single_precision_is_that_in_double(rotation, norm: float) -> None:
    weight, grad = norm * torch.randn(3, 8, 8, dtype=torch.float64), torch.randn(3, 8, 8, dtype=torch.float64)
    double = torch.autograd.functional.vjp(rotation, weight, grad)[1]
    single = torch.autograd.functional.vjp(rotation, weight.float(), grad.float())[1]
    torch.testing.assert_close(single.double(), double, rtol=1e-3, atol=1e-3 * float(double.abs().max()))


def test_maps_equal_their_series_near_zero() -> None:
    a = 1e-3 * torch.randn(4, 4, dtype=torch.float64)
    a = skew(a)
    eye = torch.eye(4, dtype=torch.float64)
    torch.testing.assert_close(matrix_exponential(a), eye + a + a @ a / 2 + a @ a @ a / 6, rtol=0, atol=1e-11)
    torch.testing.assert_close(cayley(a), eye - 2 * a + 2 * a @ a - 2 * a @ a @ a, rtol=0, atol=1e-10)


@pytest.mark.parametrize("stride", [(2,), (4,), (2, 2), (1, 2, 2), (2, 2, 2), (2, 4, 1)])
def test_haar_is_orthogonal_and_begins_with_the_mean(stride: tuple[int, ...]) -> None:
    matrix = haar(stride)
    size = len(matrix)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(size, dtype=torch.float64))
    torch.testing.assert_close(matrix[0], torch.full((size,), size**-0.5, dtype=torch.float64))


def test_haar_of_four_voxels_is_the_known_matrix() -> None:
    h, r = 0.5, 0.5**0.5
    known = [[h, h, h, h], [h, h, -h, -h], [r, -r, 0, 0], [0, 0, r, -r]]
    torch.testing.assert_close(haar((4,)), torch.tensor(known, dtype=torch.float64))


def test_haar_refuses_a_stride_that_is_no_power_of_two() -> None:
    with pytest.raises(ValueError, match=r"powers of two, got 3; use resampling_init='random' or 'pixel_shuffle'"):
        haar((2, 3))


def test_random_start_draws_a_matrix_per_channel() -> None:
    start = orthogonal_start("random", 3, (3, 2))
    torch.testing.assert_close(start @ start.mT, torch.eye(6, dtype=torch.float64).expand(3, -1, -1))
    assert not torch.allclose(start[0], start[1])


def test_unknown_names_are_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"'givens' is no orthogonal map; choose one of 'cayley', 'exp'"):
        orthogonal_map("givens")
    with pytest.raises(ValueError, match=r"'dct' is no start; choose one of 'haar', 'pixel_shuffle', 'random'"):
        orthogonal_start("dct", 1, (2,))
