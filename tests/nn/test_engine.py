import copy

import pytest
import torch
from torch import Tensor, nn

from iunet_med.memory import LiveBytes
from iunet_med.nn import AdditiveCoupling, Chain, Couplings, Inverse, OnLastChannels, OrthogonalDownsampling, reversible


def couplings(channels: int, count: int = 3, *extra: nn.Module) -> Couplings:
    half = channels // 2
    return Couplings(
        AdditiveCoupling(
            nn.Sequential(
                nn.Conv2d(half, half, 3, padding=1), nn.GroupNorm(1, half), *extra, nn.LeakyReLU(inplace=True)
            )
        )
        for _ in range(count)
    )


def u_net(*extra: nn.Module) -> Chain:
    down = OrthogonalDownsampling(2, (2, 2), init="random")
    net = Chain(
        left=couplings(4, 3, *extra),
        lower=OnLastChannels(2, Chain(down=down, level=couplings(8, 2, *extra), up=Inverse(copy.deepcopy(down)))),
        right=couplings(4, 3, *extra),
    ).double()
    nn.init.normal_(net.lower.inner.down.weight)
    return net


def image(*, requires_grad: bool = True) -> Tensor:
    return torch.randn(2, 4, 6, 4, dtype=torch.float64, requires_grad=requires_grad)


def gradients(y: Tensor, inputs: list[Tensor]) -> tuple[Tensor | None, ...]:
    return torch.autograd.grad(y.pow(3).sum(), inputs, allow_unused=True)


def test_gradients_of_parameters_and_leaf_input_equal_stored_ones() -> None:
    net, x = u_net(), image()
    inputs = [x, *net.parameters()]
    torch.testing.assert_close(reversible(net, x), net(x), rtol=0, atol=0)
    torch.testing.assert_close(gradients(reversible(net, x), inputs), gradients(net(x), inputs))


def test_backward_accumulates_as_torch_does() -> None:
    net, x = u_net(), image()
    for _ in range(2):
        reversible(net, x).sum().backward()
    reference = copy.deepcopy(net)
    reference.zero_grad()
    z = x.detach().clone().requires_grad_()
    for _ in range(2):
        reference(z).sum().backward()
    torch.testing.assert_close(x.grad, z.grad)
    for p, q in zip(net.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad)


def test_frozen_and_unused_parameters() -> None:
    net, x = u_net(), image()
    net.left.couplings[1].requires_grad_(False)
    net.lower.inner.down.weight.requires_grad_(False)
    net.right.unused = nn.Parameter(torch.zeros(1))
    reversible(net, x).pow(3).sum().backward()
    assert net.right.unused.grad is None
    assert net.lower.inner.down.weight.grad is None
    inputs = [x, *(p for p in net.parameters() if p.requires_grad and p is not net.right.unused)]
    torch.testing.assert_close([p.grad for p in inputs], list(gradients(net(x), inputs)))


def test_input_without_gradient_and_frozen_network() -> None:
    net, x = u_net(), image(requires_grad=False)
    parameters = list(net.parameters())
    torch.testing.assert_close(gradients(reversible(net, x), parameters), gradients(net(x), parameters))
    net.requires_grad_(False)
    assert not reversible(net, x).requires_grad


def test_functions_without_parameters_or_without_gradient() -> None:
    class Sign(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.sign(x.detach())

    net = Couplings([AdditiveCoupling(nn.Identity()), AdditiveCoupling(Sign()), AdditiveCoupling(nn.Tanh())])
    x = image()
    torch.testing.assert_close(gradients(reversible(net, x), [x]), gradients(net(x), [x]))


def test_dropout_is_replayed_and_leaves_the_generator_where_ordinary_training_would() -> None:
    net, x = u_net(nn.Dropout(0.5)), image()
    inputs = [x, *net.parameters()]
    results, states = [], []
    for run in (reversible, lambda net, x: net(x)):
        torch.manual_seed(0)
        results.append(gradients(run(net, x), inputs))
        states.append(torch.get_rng_state())
    torch.testing.assert_close(*results)
    assert torch.equal(*states)


def test_autocast_runs_both_passes_in_the_low_type() -> None:
    net, x = u_net().float(), image().detach().float().requires_grad_()
    inputs = [x, *net.parameters()]
    seen = []
    convolution = net.left.couplings[0].function[0]
    forward = convolution.forward

    def watched(x: torch.Tensor) -> torch.Tensor:
        y = forward(x)
        seen.append(y.dtype)
        return y

    convolution.forward = watched
    with torch.autocast("cpu", torch.bfloat16):
        y = reversible(net, x)
    low = gradients(y, inputs)
    convolution.forward = forward
    assert seen == [torch.bfloat16, torch.bfloat16]
    assert y.dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        expected = net(x)
    for actual, stored in zip(low, gradients(expected, inputs), strict=True):
        assert (actual - stored).norm() <= 1e-2 * stored.norm()


def test_caller_s_tensors_are_untouched() -> None:
    net, x = u_net(), image()
    x_before = x.detach().clone()
    y = reversible(net, x)
    y_before = y.detach().clone()
    grad_y = torch.randn_like(y)
    grad_before = grad_y.clone()
    y.backward(grad_y)
    torch.testing.assert_close([x.detach(), y.detach(), grad_y], [x_before, y_before, grad_before], rtol=0, atol=0)


def held_and_peak(net: nn.Module, x: Tensor) -> tuple[int, int]:
    with LiveBytes() as live:
        y = reversible(net, x)
        held = live.now
        y.sum().backward()
        gradients_of_parameters = sum(p.grad.nbytes for p in net.parameters())
        return held, live.peak - gradients_of_parameters


def test_memory_is_constant_in_the_number_of_couplings() -> None:
    x = torch.randn(1, 8, 32, 32, dtype=torch.float64)
    held, peak = zip(*(held_and_peak(couplings(8, count).double(), x) for count in (4, 12)), strict=True)
    assert held == (x.nbytes, x.nbytes)
    assert peak[1] <= 1.01 * peak[0]


def test_memory_is_freed_without_the_garbage_collector_when_backward_is_skipped() -> None:
    net, x = u_net(), image()
    with LiveBytes() as live:
        y = reversible(net, x)
        assert live.now >= y.nbytes
        del y
        assert live.now == 0


def test_running_statistics_are_refused() -> None:
    net = u_net(nn.BatchNorm2d(2))
    with pytest.raises(ValueError, match=r"\(BatchNorm2d\) keeps running statistics.*use norm='instance'"):
        reversible(net, image())


def test_second_backward_is_refused() -> None:
    y = reversible(u_net(), image())
    y.sum().backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="A second backward pass through a reversible network"):
        y.sum().backward()


def test_double_backward_is_refused() -> None:
    x = image()
    with pytest.raises(RuntimeError, match=r"create_graph=True.*backprop='stored'"):
        torch.autograd.grad(reversible(u_net(), x).pow(2).sum(), x, create_graph=True)


def test_output_changed_in_place_is_refused() -> None:
    y = reversible(u_net(), image())
    y.mul_(2)
    with pytest.raises(RuntimeError, match="changed in place before its backward pass"):
        y.sum().backward()


def test_parameters_changed_before_backward_are_refused() -> None:
    net = u_net()
    y = reversible(net, image())
    with torch.no_grad():
        net.left.couplings[0].function[0].weight.mul_(2)
    with pytest.raises(RuntimeError, match="changed in place between its forward and its backward pass"):
        y.sum().backward()


def test_replaced_parameters_are_refused() -> None:
    net, x = u_net(), image()
    swapped = {name: p.detach().clone().requires_grad_() for name, p in net.named_parameters()}

    class Engine(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: Tensor) -> Tensor:
            return reversible(self.net, x)

    y = torch.func.functional_call(Engine(), {f"net.{name}": p for name, p in swapped.items()}, x)
    with pytest.raises(RuntimeError, match="parameters of the network were replaced"):
        y.sum().backward()


def test_casts_of_the_forward_pass_are_not_kept_for_the_backward_pass() -> None:
    net, x = u_net().float(), image().detach().float().requires_grad_()
    inputs = [x, *net.parameters()]
    function, caches = net.left.couplings[0].function, []
    forward = function.forward
    function.forward = lambda x: caches.append(torch.is_autocast_cache_enabled()) or forward(x)
    with torch.autocast("cpu", torch.bfloat16):  # a cached cast, made without a graph, would cut the weights off
        found = gradients(reversible(net, x), inputs)
        assert caches == [False, False]
        expected = gradients(net(x), inputs)
    for actual, stored in zip(found, expected, strict=True):
        assert (actual - stored).norm() <= 5e-2 * stored.norm()
        assert actual.norm() > 0
