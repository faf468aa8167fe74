import pytest
import torch
from torch import Tensor, nn

from iunet_med.nn import Bijection, Chain, Inverse, OnLastChannels, reversible


class Sinh(Bijection):
    """asinh(a x) + b per element: not volume-preserving, and served by the generic pull_back."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(1.5, dtype=torch.float64))
        self.b = nn.Parameter(torch.tensor(0.3, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return torch.asinh(self.a * x) + self.b

    def inverse(self, y: Tensor) -> Tensor:
        return torch.sinh(y - self.b) / self.a

    def log_det(self, x: Tensor) -> Tensor:
        return (self.a.log() - (1 + (self.a * x) ** 2).log() / 2).flatten(1).sum(1)


SHARED = Sinh()


def bijections() -> list[Bijection]:
    return [
        Chain(first=Sinh(), second=Inverse(Sinh()), third=OnLastChannels(1, Sinh())),
        OnLastChannels(2, Chain(first=Sinh(), second=Sinh())),
        OnLastChannels(3, Sinh()),
        Chain(first=SHARED, second=SHARED),
        Inverse(Sinh()),
    ]


@pytest.mark.parametrize("bijection", bijections())
def test_compositions_invert_and_their_log_det_is_autograd_s(bijection: Bijection) -> None:
    x = torch.randn(2, 3, 2, dtype=torch.float64)
    torch.testing.assert_close(bijection.inverse(bijection(x)), x)
    for one, log_det in zip(x, bijection.log_det(x), strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda z: bijection(z[None])[0], one).reshape(6, 6)
        torch.testing.assert_close(torch.linalg.slogdet(jacobian)[1], log_det)


@pytest.mark.parametrize("bijection", bijections())
def test_generic_pull_back_equals_ordinary_backpropagation(bijection: Bijection) -> None:
    x = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    inputs = (x, *bijection.parameters())
    expected = torch.autograd.grad(bijection(x).pow(3).sum(), inputs)
    torch.testing.assert_close(torch.autograd.grad(reversible(bijection, x).pow(3).sum(), inputs), expected)


def test_kept_channels_are_left_alone() -> None:
    x = torch.randn(1, 3, 4, dtype=torch.float64)
    torch.testing.assert_close(OnLastChannels(1, Sinh())(x)[:, :2], x[:, :2], rtol=0, atol=0)
