"""The kernels for a GPU, run by Triton's interpreter on the CPU, against torch's own operations."""

import importlib
import sys

import pytest
import torch
from torch import Tensor
from torch.nn.functional import group_norm, leaky_relu

from iunet_med.nn import OrthogonalDownsampling, instance_norm
from iunet_med.nn.blocks import ConvolutionalBlock
from iunet_med.nn.kernels import _run_on

pytest.importorskip("triton")


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch):
    """Load a module of kernels for the interpreter, with small blocks so that there are several."""
    loaded = []

    def load(name: str, **sizes: int):
        path = f"iunet_med.nn.{name}"
        sys.modules.pop(path, None)
        module = importlib.import_module(path)
        loaded.append(path)
        for size, value in sizes.items():
            monkeypatch.setattr(module, size, value)
        return module

    yield load
    for path in loaded:
        sys.modules.pop(path, None)


def error(actual: Tensor, expected: Tensor) -> float:
    return float((actual.double() - expected).norm() / expected.norm())


@pytest.mark.parametrize("shape", [(2, 3, 7, 9, 5), (1, 2, 300), (2, 2, 3)])
@pytest.mark.parametrize("slope", [0.01, 0.0, 1.0])
def test_norm_and_activation_in_one_are_torch_s(kernels, shape: tuple[int, ...], slope: float) -> None:
    norm = kernels("norm_kernels", BLOCK=64)
    torch.manual_seed(0)
    # A mean far from zero, at which sums of squares would cancel.
    x = (3 * torch.randn(shape) + 100).double().float().requires_grad_()
    weight, bias = torch.randn(2, shape[1]).unbind()
    inputs = [one.double().detach().requires_grad_() for one in (x, weight, bias)]
    expected = leaky_relu(group_norm(inputs[0], shape[1], *inputs[1:], 1e-5), slope)
    grad = torch.randn(shape)
    y, mean, scale = norm.forward(x.detach(), weight, bias, 1e-5, slope)
    assert error(y, expected.detach()) < 1e-5
    found = norm.backward(x.detach(), grad, weight, bias, mean, scale, slope)
    for actual, gradient in zip(found, torch.autograd.grad(expected, inputs, grad.double()), strict=True):
        assert error(actual, gradient) < 1e-4


def test_sums_in_steps_are_undone_and_their_largest_value_is_kept(kernels) -> None:
    steps = kernels("step_kernels", WIDTH=64)
    u = torch.randint(-30000, 30000, (3, 50), dtype=torch.int16)
    shift, step, largest = 10 * torch.randn(3, 50), torch.tensor(2.0**-9), torch.zeros((), dtype=torch.int32)
    total = steps.add(u, shift, step, largest)
    exact = u.int() + torch.floor(shift / step + 0.5).int()
    assert torch.equal(total, exact.to(torch.int16))
    assert largest == exact.abs().max()
    assert torch.equal(steps.subtract_(total.clone(), shift, step), u)
    torch.testing.assert_close(steps.units(u, step, torch.float32), u * step, rtol=0, atol=0)


@pytest.mark.parametrize("finer", [-3, 0, 4])
@pytest.mark.parametrize(
    ("stride", "shape"),
    [((2, 2, 2), (2, 3, 8, 4, 6)), ((1, 2, 2), (1, 4, 3, 4, 6)), ((2, 2), (2, 2, 8, 6)), ((4,), (1, 2, 32))],
    ids=str,
)
def test_turns_in_steps_are_torch_s_and_are_undone(
    kernels, stride: tuple[int, ...], shape: tuple[int, ...], finer: int
) -> None:
    steps = kernels("step_kernels", BLOCKS=16, ROUNDS=2)
    torch.manual_seed(0)
    layer = OrthogonalDownsampling(shape[1], stride, init="random")
    matrix = layer.matrix().detach()
    integers = torch.round(matrix * 2**steps.MATRIX_BITS).int()
    power, largest = torch.tensor(finer, dtype=torch.int32), torch.zeros((), dtype=torch.int32)
    # The last channels of more, as an invertible U sends them down.
    image = torch.randint(-1000, 1000, (shape[0], shape[1] + 2, *shape[2:]), dtype=torch.int16)[:, 2:]
    for up in (False, True):
        x = layer(image.float()).round().to(torch.int16) if up else image
        there, back = (layer.inverse, layer) if up else (layer, layer.inverse)
        largest.zero_()
        y, missed = steps.turn(x, stride, integers, power, largest, up=up)
        # Half a step of rounding, and what rounded matrices add.
        assert (y - there(x.float()) * 2.0**finer).abs().max() < 0.55
        assert largest == y.int().abs().max()
        grad = torch.randn(y.shape)
        rebuilt, grad_x, grad_matrix = steps.turn_back(y, grad, missed, stride, integers, matrix, power, up=up)
        assert torch.equal(rebuilt, x)
        torch.testing.assert_close(grad_x, back(grad))
        weight = matrix.clone().requires_grad_()
        turned = back(y.float()).detach()
        value = layer._times_transposed(weight, turned) if up else layer._times(weight, turned)
        torch.testing.assert_close(grad_matrix, torch.autograd.grad(value, weight, grad)[0], rtol=1e-4, atol=1e-2)


def test_blocks_take_the_kernels_and_their_derivatives_are_torch_s(kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    kernels("norm_kernels", BLOCK=64)
    torch.manual_seed(0)
    block = ConvolutionalBlock(2, 3, kernel_size=3, depth=2, norm="instance", act="leakyrelu", dropout=0.0)
    results = []
    for has in (False, True):
        monkeypatch.setattr(instance_norm, "has_kernels", lambda x, has=has: has)
        monkeypatch.setattr(instance_norm, "SMALLEST", 0)
        x = torch.randn(2, 3, 9, 7, generator=torch.Generator().manual_seed(1)).requires_grad_()
        assert instance_norm.is_fused(x, block[1], block[2]) is has
        y = block(x)
        (slope,) = torch.autograd.grad(y.pow(3).sum(), x, create_graph=True)
        first = torch.autograd.grad(block(x).pow(3).sum(), [x, *block.parameters()])
        second = torch.autograd.grad(slope.square().sum(), [x, *block.parameters()])
        results.append([y.detach(), *first, *second])
    torch.testing.assert_close(results[1], results[0], rtol=1e-3, atol=1e-3)  # of values up to 100, in float32


def test_kernels_that_do_not_run_are_told_once_and_replaced(kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("Failed to find C compiler.")

    monkeypatch.setattr(kernels("step_kernels"), "units", broken)
    _run_on.cache_clear()
    with pytest.warns(UserWarning, match=r"do not run on cpu \(RuntimeError: .*C compiler.*install gcc"):
        assert not _run_on(torch.device("cpu"))
    assert not _run_on(torch.device("cpu"))
    _run_on.cache_clear()
