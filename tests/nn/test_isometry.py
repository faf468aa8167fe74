import copy
import pickle
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode

from iunet_med.nn import Inverse, OrthogonalDownsampling, reversible
from iunet_med.nn.isometry import Isometry
from iunet_med.nn.mixing import ChannelMixing

Make = Callable[..., Isometry]

LAYERS = pytest.mark.parametrize(
    "make", [partial(OrthogonalDownsampling, 4, (1, 2, 2)), partial(ChannelMixing, 4)], ids=["downsampling", "mixing"]
)


def turned(make: Make, **settings) -> Isometry:
    layer = make(init="random", **settings)
    nn.init.normal_(layer.weight)
    return layer


def image(dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(2, 4, 3, 4, 2, dtype=dtype)


def evaluated(layer: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        return layer(x)


def assert_fresh(layer: Isometry) -> None:
    """Evaluation gives what training, which computes the matrix each time, gives."""
    x = image(layer.weight.dtype)
    assert not layer.training
    torch.testing.assert_close(evaluated(layer, x), evaluated(copy.deepcopy(layer).train(), x), rtol=0, atol=0)


@LAYERS
@pytest.mark.parametrize("orthogonal", ["cayley", "exp", "householder", "givens"])
def test_isometry_with_a_log_det_of_zero(make: Make, orthogonal: str) -> None:
    layer, x = turned(make, orthogonal=orthogonal).double(), image(torch.float64)
    torch.testing.assert_close(layer.inverse(layer(x)), x)
    torch.testing.assert_close(layer(x).norm(), x.norm())
    one = x[:1, :, :1]
    jacobian = torch.autograd.functional.jacobian(layer, one).reshape(one.numel(), one.numel())
    torch.testing.assert_close(torch.linalg.slogdet(jacobian).logabsdet.reshape(1), layer.log_det(one))


@LAYERS
@pytest.mark.parametrize("mode", [True, False])
def test_reversible_gradients_equal_stored_ones(make: Make, mode: bool) -> None:
    layer, x = turned(make).double().train(mode), image(torch.float64)
    for bijection, point in ((layer, x), (Inverse(layer), layer(x).detach())):
        inputs = (point.requires_grad_(), layer.weight)
        expected = torch.autograd.grad(bijection(point).pow(3).sum(), inputs)
        actual = torch.autograd.grad(reversible(bijection, point).pow(3).sum(), inputs)
        torch.testing.assert_close(actual, expected)


@LAYERS
def test_fixed_layer_has_the_state_of_a_learnable_one_and_learns_nothing(make: Make) -> None:
    learnable, fixed = turned(make), make(learnable=False)
    fixed.load_state_dict(learnable.state_dict())
    assert set(fixed.state_dict()) == {"start", "weight", "map_number"}
    x = image().requires_grad_()
    torch.testing.assert_close(fixed(x), learnable(x))
    reversible(fixed, x).sum().backward()
    assert fixed.weight.grad is None
    assert x.grad is not None


@LAYERS
def test_evaluation_computes_the_matrix_once(make: Make) -> None:
    layer, calls = turned(make), []
    rotation = layer.rotation
    layer.rotation = lambda weight: calls.append(1) or rotation(weight)
    layer.eval()
    for _ in range(3):
        evaluated(layer, image())
    assert len(calls) == 1
    assert layer.matrix().requires_grad
    assert_fresh(layer)


def load(layer: Isometry) -> None:
    layer.load_state_dict(turned(type(layer), **construction(layer)).state_dict())


def load_by_assignment(layer: Isometry) -> None:
    layer.load_state_dict(turned(type(layer), **construction(layer)).state_dict(), assign=True)


def train_a_step(layer: Isometry) -> None:
    layer.train()
    layer(image()).pow(3).sum().backward()
    torch.optim.SGD(layer.parameters(), lr=0.1).step()
    layer.eval()


def change_in_place(layer: Isometry) -> None:
    with torch.no_grad():
        layer.weight.add_(1)


def average_through_data(layer: Isometry) -> None:
    layer.weight.data.mul_(0.9).add_(torch.ones_like(layer.weight).tril(), alpha=0.1)


def replace_data(layer: Isometry) -> None:
    layer.weight.data = torch.randn_like(layer.weight)


def replace_weight(layer: Isometry) -> None:
    layer.weight = nn.Parameter(torch.randn_like(layer.weight))


def change_start(layer: Isometry) -> None:
    layer.start.copy_(layer.start.roll(1, -1))


def construction(layer: Isometry) -> dict:
    return {"channels": layer.channels, **({"stride": layer.stride} if hasattr(layer, "stride") else {})}


@LAYERS
@pytest.mark.parametrize(
    "change",
    [
        load,
        load_by_assignment,
        train_a_step,
        change_in_place,
        average_through_data,
        replace_data,
        replace_weight,
        change_start,
        lambda layer: layer.double(),
        lambda layer: layer.double().float(),
    ],
)
def test_cached_matrix_is_never_stale(make: Make, change: Callable[[Isometry], object]) -> None:
    layer = turned(make).eval()
    evaluated(layer, image())
    change(layer)
    assert_fresh(layer)


@LAYERS
def test_loading_in_evaluation_mode_prepares_an_export(make: Make) -> None:
    layer = turned(make).eval()
    load(layer)
    torch.testing.assert_close(layer.cached_matrix, layer.matrix(), rtol=0, atol=0)


@LAYERS
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_copies_follow_their_own_weight(make: Make, duplicate: Callable[[Isometry], Isometry]) -> None:
    layer = turned(make).eval()
    expected = evaluated(layer, x := image())
    twin = duplicate(layer)
    assert_fresh(twin)
    change_in_place(twin)
    assert_fresh(twin)
    torch.testing.assert_close(evaluated(layer, x), expected, rtol=0, atol=0)


@LAYERS
def test_inference_mode_leaves_buffers_that_training_can_use(make: Make) -> None:
    layer = turned(make).eval()
    change_in_place(layer)
    with torch.inference_mode():
        layer(image())
    assert not any(buffer.is_inference() for buffer in layer.buffers())


@LAYERS
def test_weights_given_for_one_call_are_used(make: Make) -> None:
    layer, x = turned(make).eval(), image()
    weight = torch.randn_like(layer.weight)
    with torch.no_grad():
        y = torch.func.functional_call(layer, {"weight": weight}, x)
        _, tangent = torch.func.jvp(
            lambda w: torch.func.functional_call(layer, {"weight": w}, x), (weight,), (torch.ones_like(weight).triu(),)
        )
    assert tangent.abs().max() > 0
    layer.weight.data.copy_(weight)
    torch.testing.assert_close(evaluated(layer, x), y)


@LAYERS
def test_fake_tensors_pass_through(make: Make) -> None:
    with FakeTensorMode():
        assert evaluated(make().eval(), image()).numel() == image().numel()


@LAYERS
def test_autocast_keeps_full_precision(make: Make) -> None:
    layer, x = turned(make), image()
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(layer.inverse(layer(x)), x)


@LAYERS
@pytest.mark.parametrize("orthogonal", ["cayley", "exp", "householder", "givens"])
def test_scripted_layer_equals_the_eager_one(make: Make, orthogonal: str) -> None:
    layer, x = turned(make, orthogonal=orthogonal).eval(), image()
    for bijection, point in ((layer, x), (Inverse(layer), evaluated(layer, x))):
        torch.testing.assert_close(torch.jit.script(bijection)(point), evaluated(bijection, point))


@LAYERS
@pytest.mark.parametrize("gradients", [True, False])
def test_exported_graph_holds_the_matrix_and_no_solver(make: Make, gradients: bool) -> None:
    layer, x = turned(make).eval(), image()
    with torch.set_grad_enabled(gradients):
        exported = torch.export.export(layer, (x,))
    operators = {str(node.target) for node in exported.graph.nodes if node.op == "call_function"}
    moving = {"reshape", "permute", "flatten", "unsqueeze", "matmul"}
    assert {operator.split(".")[1] for operator in operators} <= moving
    torch.testing.assert_close(exported.module()(x), layer(x))
