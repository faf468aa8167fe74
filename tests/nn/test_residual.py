import copy

import pytest
import torch
from torch import Tensor, nn

from iunet_med.nn.chain import Chain
from iunet_med.nn.engine import reversible
from iunet_med.nn.residual import InvertibleResidual

SETTINGS = [
    {"spatial_dims": 1, "channels": 3, "hidden_channels": 5, "depth": 3, "act": "tanh"},
    {"spatial_dims": 2, "channels": 2, "kernel_size": (1, 3), "contraction": 0.97, "max_iterations": 2000},
    {"spatial_dims": 3, "channels": 2, "depth": 1, "act": "leakyrelu"},
]
SIZES = {1: (6,), 2: (4, 3), 3: (2, 3, 2)}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def block(settings: dict, *, gain: float = 3.0, **more) -> InvertibleResidual:
    """A block with weights so large that they are scaled down to the contraction."""
    residual = InvertibleResidual(**settings, **more).double()
    for layer in residual.convolutions:
        nn.init.normal_(layer.weight, std=gain)
        nn.init.normal_(layer.bias, std=0.1)
    return residual


def state(settings: dict, batch: int = 2) -> Tensor:
    return torch.randn(batch, settings["channels"], *SIZES[settings["spatial_dims"]], dtype=torch.float64)


def jacobian(residual: InvertibleResidual, x: Tensor) -> Tensor:
    return torch.autograd.functional.jacobian(residual, x).reshape(x.numel(), x.numel())


@pytest.mark.parametrize("settings", SETTINGS)
def test_round_trip(settings: dict) -> None:
    residual, x = block(settings), state(settings)
    with torch.no_grad():
        torch.testing.assert_close(residual.inverse(residual(x)), x, rtol=0, atol=1e-12)
        torch.testing.assert_close(residual(residual.inverse(x)), x, rtol=0, atol=1e-12)


@pytest.mark.parametrize("settings", SETTINGS)
def test_residual_is_a_contraction(settings: dict) -> None:
    residual, x = block(settings), state(settings, 1)
    slope = torch.linalg.matrix_norm(jacobian(residual, x) - torch.eye(x.numel(), dtype=x.dtype), 2)
    assert 0.1 <= slope <= residual.contraction


def test_weights_below_the_bound_are_left_alone() -> None:
    residual = block(SETTINGS[2], gain=0.01)
    x = state(SETTINGS[2])
    torch.testing.assert_close(residual(x), x + residual.convolutions[0](x), rtol=0, atol=0)


def test_block_begins_as_the_identity() -> None:
    x = torch.randn(1, 4, 5, 5)
    residual = InvertibleResidual(2, 4)
    assert torch.equal(residual(x), x)
    assert torch.equal(residual.inverse(x), x)
    residual(x).pow(2).sum().backward()
    assert residual.convolutions[-1].weight.grad.abs().sum() > 0
    assert all(p.grad.isfinite().all() for p in residual.parameters())


@pytest.mark.parametrize("settings", SETTINGS)
def test_reversible_gradients_equal_stored_ones(settings: dict) -> None:
    net = Chain(first=block(settings), second=block(settings))
    x = state(settings).requires_grad_()
    inputs = [x, *net.parameters()]
    expected = torch.autograd.grad(net(x).pow(3).sum(), inputs)
    actual = torch.autograd.grad(reversible(net, x).pow(3).sum(), inputs)
    torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-9)


def test_gradient_of_the_inverse_is_that_of_the_inverse_function() -> None:
    residual, x = block(SETTINGS[0]), state(SETTINGS[0], 1)
    y = residual(x).detach()
    inverse_jacobian = torch.autograd.functional.jacobian(residual.inverse, y).reshape(x.numel(), x.numel())
    torch.testing.assert_close(inverse_jacobian, torch.linalg.inv(jacobian(residual, x)), rtol=0, atol=1e-10)


@pytest.mark.parametrize("settings", SETTINGS)
def test_exact_log_det_is_that_of_the_jacobian(settings: dict) -> None:
    residual, x = block(settings, log_det_method="exact"), state(settings)
    expected = torch.stack([torch.linalg.slogdet(jacobian(residual, sample[None])).logabsdet for sample in x])
    torch.testing.assert_close(residual.log_det(x), expected)


def test_series_is_exact_for_a_diagonal_jacobian() -> None:
    residual = InvertibleResidual(1, 2, kernel_size=1, depth=2, act="tanh", log_det_terms=300).double()
    for layer, gains in zip(residual.convolutions, ([0.6, -0.8], [0.9, 0.5]), strict=True):
        layer.weight.data.copy_(torch.diag(torch.tensor(gains, dtype=torch.float64))[:, :, None])
    x = torch.randn(3, 2, 4, dtype=torch.float64, requires_grad=True)
    series = residual.log_det(x)
    residual.log_det_method = "exact"
    exact = residual.log_det(x)
    torch.testing.assert_close(series, exact)
    inputs = [x, residual.convolutions[0].bias, *(layer.weight for layer in residual.convolutions)]
    for actual, expected in zip(*(torch.autograd.grad(total.sum(), inputs) for total in (series, exact)), strict=True):
        # Off the diagonal, the derivative of the estimate is right on average only.
        known = torch.eye(2, dtype=torch.bool)[:, :, None] if actual.shape == (2, 2, 1) else ...
        torch.testing.assert_close(actual[known], expected[known])


def test_series_estimates_the_exact_value_and_leaves_the_global_generator_alone() -> None:
    residual, x = block(SETTINGS[0], log_det_terms=40, log_det_probes=2), state(SETTINGS[0], 1).expand(2000, -1, -1)
    before = torch.get_rng_state()
    with torch.no_grad():
        series = residual.log_det(x)
        assert torch.equal(residual.log_det(x), series)
        drawn = residual.log_det(x, generator=torch.Generator().manual_seed(7))
        residual.log_det_method = "exact"
        exact = residual.log_det(x[:1])
    assert torch.equal(torch.get_rng_state(), before)
    assert not series.requires_grad
    assert not torch.equal(drawn, series)
    for estimate in (series, drawn):
        standard_error = estimate.std() / len(estimate) ** 0.5
        assert (estimate.mean() - exact).abs() <= 4 * standard_error


def test_autocast_does_not_keep_the_inverse_from_converging() -> None:
    residual = copy.deepcopy(block({"spatial_dims": 2, "channels": 4})).float()
    x = torch.randn(2, 4, 6, 6)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        y = residual(x)
        assert y.dtype == torch.float32
        torch.testing.assert_close(residual.inverse(y), x, rtol=0, atol=1e-4)


def test_an_inverse_that_does_not_converge_says_so() -> None:
    residual = block(SETTINGS[0], max_iterations=2)
    with pytest.raises(RuntimeError, match=r"after 2 iterations a step still changes x by .* Raise max_iterations"):
        residual.inverse(state(SETTINGS[0]))
    with pytest.raises(RuntimeError, match="by nan of its norm"):
        block(SETTINGS[0]).inverse(torch.full((1, 3, 6), torch.nan, dtype=torch.float64))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"contraction": 1.0}, r"contraction=1\.0: expected a number above 0 and below 1"),
        ({"act": "gelu"}, "Unknown act='gelu'; choose one of 'elu', 'leakyrelu', 'relu', 'tanh'"),
        ({"log_det_method": "none"}, "Unknown log_det_method='none'; choose one of 'series', 'exact'"),
        ({"log_det_terms": 0}, "log_det_terms and log_det_probes of at least 1, got 0 for one"),
        ({"kernel_size": 2}, "kernel_size=2: expected one odd length"),
    ],
)
def test_impossible_settings_are_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        InvertibleResidual(1, 2, **change)
