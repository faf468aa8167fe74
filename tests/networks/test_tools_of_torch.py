"""What torch's own tools do to a network works, or is refused in words that say what to do."""

import copy
import io
import warnings
from collections import Counter

import pytest
import torch
from torch import nn
from torch.autograd.graph import save_on_cpu
from torch.func import functional_call, grad
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from iunet_med import IUNet

X = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def make(**options) -> IUNet:
    torch.manual_seed(0)
    return IUNet(2, 1, 2, (4, 8), **options).double()


def gradients(net: nn.Module, *, call=None) -> list[torch.Tensor]:
    net.zero_grad()
    (call or net)(X).square().sum().backward()
    return [parameter.grad.clone() for parameter in net.parameters()]


@pytest.mark.filterwarnings("ignore:.torch.jit.(trace|trace_method). is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("training", [True, False])
def test_a_trace_computes_the_same(training: bool) -> None:
    net = make().train(training)
    traced = torch.jit.trace(net, X)
    torch.testing.assert_close(traced(2 * X), net(2 * X))


@pytest.mark.filterwarnings("ignore:Hooks on modules inside a reversible network")
def test_operations_are_counted() -> None:
    with FlopCounterMode(display=False) as counter:
        make()(X).sum().backward()
    with FlopCounterMode(display=False) as stored:
        make(backprop="stored")(X).sum().backward()
    assert counter.get_total_flops() == stored.get_total_flops() > 0


def test_functional_gradients_are_those_of_backward() -> None:
    net = make()
    found = grad(lambda weights: functional_call(net, weights, (X,)).square().sum())(dict(net.named_parameters()))
    for ours, theirs in zip(gradients(net), found.values(), strict=True):
        torch.testing.assert_close(theirs, ours)


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoints_of_the_whole_network_give_its_gradients(reentrant: bool) -> None:
    net = make()
    expected = gradients(net)
    x = X.clone().requires_grad_()
    for ours, theirs in zip(
        expected, gradients(net, call=lambda _: checkpoint(net, x, use_reentrant=reentrant)), strict=True
    ):
        torch.testing.assert_close(theirs, ours)


def test_tensors_saved_on_the_cpu_give_the_gradients() -> None:
    net = make()

    def call(x: torch.Tensor) -> torch.Tensor:
        with save_on_cpu():
            return net(x)

    for ours, theirs in zip(gradients(net), gradients(net, call=call), strict=True):
        torch.testing.assert_close(theirs, ours)


def test_a_network_without_data_has_shapes_and_can_be_filled() -> None:
    with torch.device("meta"):
        net = IUNet(2, 1, 2, (4, 8)).double()
    assert net(X.to("meta")).shape == (1, 2, 8, 8)
    filled = net.to_empty(device="cpu")
    filled.load_state_dict(make().state_dict())
    torch.testing.assert_close(filled(X), make()(X))


def test_second_derivatives_need_stored_activations() -> None:
    x = X.clone().requires_grad_()
    with pytest.raises(RuntimeError, match=r"create_graph=True.*backprop='stored'"):
        torch.autograd.grad(make()(x).sum(), x, create_graph=True)
    (slope,) = torch.autograd.grad(make(backprop="stored")(x).sum(), x, create_graph=True)
    slope.square().sum().backward()
    assert x.grad.abs().sum() > 0


def test_weights_changed_between_the_passes_are_refused() -> None:
    net = make()
    y = net(X).sum()
    with torch.no_grad():
        net.unet.level.left.couplings[0].function[0].weight.add_(1)
    with pytest.raises(RuntimeError, match=r"changed in place .* call optimizer\.step\(\) after backward"):
        y.backward()


@pytest.mark.parametrize("backprop", ["reversible", "stored"])
@pytest.mark.filterwarnings("ignore:Hooks on modules inside a reversible network")
def test_every_hook_is_called_once(backprop: str) -> None:
    net, calls = make(backprop=backprop), Counter()
    expected = gradients(net)
    hooked = [module for module in net.unet.modules() if module is not net.unet]
    for module in hooked:
        module.register_forward_hook(lambda module, *_: calls.update([(id(module), "forward")]))
        module.register_full_backward_hook(lambda module, *_: calls.update([(id(module), "backward")]))
    for ours, theirs in zip(expected, gradients(net), strict=True):
        torch.testing.assert_close(theirs, ours)
    assert set(calls.values()) == {1}
    assert calls[id(net.unet.level), "forward"] == calls[id(net.unet.level), "backward"] == 1
    assert all(module.inplace for module in net.modules() if isinstance(module, nn.LeakyReLU))


def test_hooks_cost_memory_and_say_so() -> None:
    net = make()
    net.unet.level.register_forward_hook(lambda *_: None)
    with pytest.warns(UserWarning, match="this pass stores its activations"):
        net(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.unet.backprop = "stored"
        net(X)


def test_export_wants_a_network_in_evaluation_mode() -> None:
    with pytest.raises(Exception, match=r"Expected a network in evaluation mode to export; call \.eval\(\)"):
        torch.export.export(make(), (X,))
    exported = torch.export.export(make().eval(), (X,))
    torch.testing.assert_close(exported.module()(X), make().eval()(X))


def test_a_copy_of_a_network_is_its_own() -> None:
    net = make()
    other = copy.deepcopy(net)
    buffer = io.BytesIO()
    torch.save(net, buffer)
    for ours, theirs in zip(gradients(net), gradients(other), strict=True):
        torch.testing.assert_close(theirs, ours)
