import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch.func import functional_call
from torch.nn import functional as F

from iunet_med.memory import LiveBytes
from iunet_med.nn import Inverse, OrthogonalDownsampling, reversible
from iunet_med.nn.orthogonal import random_orthogonal

STRIDES = [(2,), (3,), (2, 2), (3, 1), (2, 2, 2), (1, 2, 3)]


def case(stride: tuple[int, ...], orthogonal: str = "cayley") -> tuple[OrthogonalDownsampling, Tensor]:
    layer = OrthogonalDownsampling(3, stride, orthogonal=orthogonal, init="random").double()
    torch.nn.init.normal_(layer.weight)
    return layer, torch.randn(2, 3, *(2 * s for s in stride), dtype=torch.float64)


@pytest.mark.parametrize("orthogonal", ["cayley", "exp", "householder", "givens"])
@pytest.mark.parametrize("stride", STRIDES)
def test_downsampling_is_a_differentiable_isometry(stride: tuple[int, ...], orthogonal: str) -> None:
    layer, x = case(stride, orthogonal)
    torch.testing.assert_close(layer.inverse(layer(x)), x)
    torch.testing.assert_close(layer(x).norm(), x.norm())
    assert gradcheck(lambda w: functional_call(layer, {"weight": w}, x), layer.weight)


@pytest.mark.parametrize("stride", [s for s in STRIDES if len(s) == 3])
def test_downsampling_is_the_strided_convolution_with_its_matrices(stride: tuple[int, ...]) -> None:
    layer, x = case(stride)
    kernel = layer.matrix().reshape(-1, 1, *stride)
    torch.testing.assert_close(layer(x), F.conv3d(x, kernel, stride=stride, groups=3))


def test_haar_start_begins_with_the_block_mean_and_pixel_shuffle_with_torch_s() -> None:
    x = torch.randn(1, 2, 4, 6)
    torch.testing.assert_close(OrthogonalDownsampling(2, (2, 2))(x)[:, ::4], 2 * F.avg_pool2d(x, 2))
    shuffled = OrthogonalDownsampling(2, (2, 2), init="pixel_shuffle")(x)
    torch.testing.assert_close(shuffled, F.pixel_unshuffle(x, 2))


@pytest.mark.parametrize("stride", STRIDES)
def test_closed_form_gradients_equal_torch_s(stride: tuple[int, ...]) -> None:
    layer, x = case(stride)
    for bijection, point in ((layer, x), (Inverse(layer), layer(x).detach())):
        inputs = (point.requires_grad_(), layer.weight)
        weights = torch.randn_like(bijection(point))
        expected = torch.autograd.grad((bijection(point) * weights).sum(), inputs)
        actual = torch.autograd.grad((reversible(bijection, point) * weights).sum(), inputs)
        torch.testing.assert_close(actual, expected)


def test_double_precision_is_orthogonal_to_double_precision() -> None:
    layer = OrthogonalDownsampling(1, (2, 2, 2), init="random").double()
    torch.testing.assert_close(layer.matrix() @ layer.matrix().mT, torch.eye(8, dtype=torch.float64)[None])


def test_indivisible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got \[4\]"):
        OrthogonalDownsampling(1, (2, 2))(torch.zeros(1, 1, 4))
    with pytest.raises(ValueError, match=r"multiples of the stride \(2, 2\), got \[4, 5\]"):
        OrthogonalDownsampling(1, (2, 2))(torch.zeros(1, 1, 4, 5))


def test_a_given_rotation_per_channel_is_the_start() -> None:
    given = random_orthogonal(3, 6)
    layer = OrthogonalDownsampling(3, (3, 2), init=given).double()
    torch.testing.assert_close(layer.matrix(), given)


def test_backward_pass_holds_four_states_at_a_time() -> None:
    layer, x = OrthogonalDownsampling(4, (2, 2, 2)), torch.randn(1, 4, 16, 16, 16)
    for bijection in (layer, Inverse(layer)):
        point = x if bijection is layer else layer(x).detach()
        with LiveBytes() as live:
            reversible(bijection, point).sum().backward()
        assert live.peak <= 4.1 * x.nbytes
