import pytest
import torch
from torch import nn

from iunet_med.nn import AdditiveCoupling, AffineCoupling, Couplings, reversible


def additive() -> AdditiveCoupling:
    return AdditiveCoupling(nn.Conv1d(2, 2, 3, padding=1))


def affine() -> AffineCoupling:
    return AffineCoupling(nn.Conv1d(2, 4, 3, padding=1))


def test_additive_coupling_is_the_paper_s_formula_and_inverts() -> None:
    function = nn.Conv2d(2, 2, 3, padding=1).double()
    u, v = torch.randn(2, 3, 2, 5, 4, dtype=torch.float64)
    new_u, new_v = AdditiveCoupling(function)(u, v)
    torch.testing.assert_close(new_u, v)
    torch.testing.assert_close(new_v, u + function(v))
    torch.testing.assert_close(AdditiveCoupling(function).inverse(new_u, new_v), (u, v))


def test_affine_coupling_is_its_formula_and_inverts() -> None:
    function = nn.Conv2d(2, 4, 3, padding=1).double()
    u, v = torch.randn(2, 3, 2, 5, 4, dtype=torch.float64)
    raw, shift = function(v).chunk(2, 1)
    new_u, new_v = AffineCoupling(function)(u, v)
    torch.testing.assert_close(new_u, v)
    torch.testing.assert_close(new_v, u * raw.tanh().exp() + shift)
    torch.testing.assert_close(AffineCoupling(function).inverse(new_u, new_v), (u, v))


@pytest.mark.parametrize("coupling", [additive, affine])
def test_couplings_invert_and_their_log_det_is_autograd_s(coupling) -> None:
    couplings = Couplings(coupling() for _ in range(3)).double()
    x = torch.randn(1, 4, 3, dtype=torch.float64)
    torch.testing.assert_close(couplings.inverse(couplings(x)), x)
    jacobian = torch.autograd.functional.jacobian(couplings, x).reshape(12, 12)
    torch.testing.assert_close(torch.linalg.slogdet(jacobian)[1].reshape(1), couplings.log_det(x))


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("coupling", [additive, affine])
def test_gradients_equal_ordinary_backpropagation(coupling, stored: bool) -> None:
    couplings = Couplings([coupling(), coupling(), coupling()], stored=stored).double()
    inputs = [torch.randn(2, 4, 5, dtype=torch.float64, requires_grad=True), *couplings.parameters()]
    expected = torch.autograd.grad(couplings(inputs[0]).pow(3).sum(), inputs)
    actual = torch.autograd.grad(reversible(couplings, inputs[0]).pow(3).sum(), inputs)
    torch.testing.assert_close(actual, expected)
