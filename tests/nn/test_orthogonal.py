import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from iunet_med.nn.orthogonal import (
    cayley,
    givens,
    haar,
    householder,
    matrix_exponential,
    orthogonal_map,
    orthogonal_start,
    polished,
    random_orthogonal,
    skew,
)

MAPS = [cayley, matrix_exponential, householder, givens]


@pytest.mark.parametrize("rotation", MAPS)
@pytest.mark.parametrize("norm", [0.0, 0.1, 1.0, 10.0])
@pytest.mark.parametrize("size", [1, 2, 3, 8])
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


@pytest.mark.parametrize("rotation", MAPS)
def test_zero_weight_gives_the_identity(rotation) -> None:
    weight = torch.zeros(2, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(rotation(weight), torch.eye(8, dtype=torch.float64).expand(2, -1, -1))


@pytest.mark.parametrize("rotation", MAPS)
def test_maps_depend_on_the_skew_part_alone_and_move_in_every_direction(rotation) -> None:
    weight, symmetric = torch.randn(2, 5, 5, dtype=torch.float64)
    torch.testing.assert_close(rotation(weight + symmetric + symmetric.mT), rotation(weight))
    jacobian = torch.autograd.functional.jacobian(rotation, weight).reshape(25, 25)
    assert torch.linalg.matrix_rank(jacobian, rtol=1e-9) == 10


def test_householder_is_the_product_of_torch_s_reflections() -> None:
    weight = torch.randn(3, 6, 6, dtype=torch.float64)
    vectors = skew(weight).tril() + torch.eye(6, dtype=torch.float64)
    product = torch.linalg.householder_product(vectors, 2 / vectors.pow(2).sum(-2))
    torch.testing.assert_close(householder(weight), -product)


def test_givens_is_the_product_of_plane_rotations_in_their_order() -> None:
    weight = torch.randn(5, 5, dtype=torch.float64)
    angles, product = skew(weight), torch.eye(5, dtype=torch.float64)
    for i in range(5):
        for j in range(i + 1, 5):
            plane = torch.zeros(5, 5, dtype=torch.float64)
            plane[i, j], plane[j, i] = angles[i, j], angles[j, i]
            product = product @ torch.linalg.matrix_exp(plane)
    torch.testing.assert_close(givens(weight), product)


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


@pytest.mark.parametrize("matrices", [None, 3])
def test_given_start_is_taken_as_it_is(matrices: int | None) -> None:
    given = random_orthogonal(3, 4)
    given = given[0] if matrices is None else given
    start = orthogonal_start(given.float(), 3, (2, 2))
    torch.testing.assert_close(start, given.expand(3, 4, 4), rtol=0, atol=1e-6)
    torch.testing.assert_close(start @ start.mT, torch.eye(4, dtype=torch.float64).expand(3, -1, -1))


def test_polishing_squares_the_error() -> None:
    exact = random_orthogonal(1, 8)
    rounded = polished(exact + 1e-4 * torch.randn_like(exact))
    assert (rounded @ rounded.mT - torch.eye(8)).abs().max() <= 1e-6


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (
            2 * torch.eye(4),
            r"Expected an orthogonal start, got one whose rows' products differ from the identity by 3; give",
        ),
        (torch.full((4, 4), torch.nan), "differ from the identity by nan"),
        (torch.eye(8), r"of shape \(4, 4\), or \(3, 4, 4\) for one matrix per channel, got shape \(8, 8\)"),
        (torch.eye(4).repeat(2, 1, 1), r"or \(3, 4, 4\) for one matrix per channel, got shape \(2, 4, 4\)"),
        (torch.eye(4, dtype=torch.int64), r"Expected a start of floating-point numbers .* type torch.int64"),
    ],
)
def test_impossible_starts_are_refused(start: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        orthogonal_start(start, 3, (2, 2))


def test_unknown_names_are_refused_with_the_choices() -> None:
    with pytest.raises(
        ValueError, match=r"Unknown orthogonal map 'qr'; choose one of 'cayley', 'exp', 'householder', 'givens'"
    ):
        orthogonal_map("qr")
    with pytest.raises(ValueError, match=r"'dct' is no start; choose one of 'haar', .*'random', or give a tensor"):
        orthogonal_start("dct", 1, (2,))
