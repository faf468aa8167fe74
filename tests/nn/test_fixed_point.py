import copy
import pickle
import warnings

import pytest
import torch
from torch import Tensor, nn

from iunet_med import InvertibleUNet, IUNet
from iunet_med.nn import fixed_point, resampling
from iunet_med.nn.compiled import compiled_calls
from iunet_med.nn.engine import begin_stream
from iunet_med.nn.fixed_point import LARGEST, Steps, Stream, add_in_steps, in_steps, in_units, subtract_in_steps_
from iunet_med.nn.parts import joined
from iunet_med.nn.vjp import BackwardState, Tape


def image(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def gradient(net: nn.Module, x: Tensor, *, low: torch.dtype | None = None) -> Tensor:
    net.zero_grad()
    with torch.autocast("cpu", low or torch.bfloat16, enabled=low is not None):
        y = net(x)
    y.float().square().mean().backward()
    return torch.cat([p.grad.flatten().double() for p in net.parameters()])


def rebuilt_and_pushed(net: InvertibleUNet, x: Tensor, low: torch.dtype | None, *, compiled: bool = False):
    with torch.no_grad(), torch.autocast("cpu", low or torch.bfloat16, enabled=low is not None):
        stream = begin_stream(net.steps, net.level, x)
        tape = Tape(stream=stream)
        if compiled:
            tape.call = compiled_calls(net)
        pushed = in_steps(x, stream.steps[0])
        parts = net.level.push([pushed], tape)
        assert all(part.dtype == torch.int16 for part in parts)
        state = BackwardState(parts, [torch.randn(x.shape)], tape)
        net.level.pull_back(state)
    assert not tape
    assert tape.level == 0
    return joined(state.take()[0]), pushed


@pytest.mark.parametrize("low", [None, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(
    "settings", [{}, {"mixing": "cayley"}, {"dropout": 0.5}, {"resampling_init": "random"}], ids=str
)
def test_48_couplings_are_undone_bit_for_bit(low: torch.dtype | None, settings: dict) -> None:
    torch.manual_seed(0)
    net = InvertibleUNet(2, (8, 16), couplings=12, state="fixed16", **settings)
    rebuilt, pushed = rebuilt_and_pushed(net, image(2, 8, 16, 16), low)
    assert torch.equal(rebuilt, pushed)


@pytest.fixture
def kernels_on_the_cpu(monkeypatch: pytest.MonkeyPatch):
    """Let tensors on the CPU take the path of those on a GPU, by Triton's interpreter; yields the calls."""
    pytest.importorskip("triton")
    calls = []
    for module in (fixed_point, resampling):
        monkeypatch.setattr(module, "has_kernels", lambda x: calls.append(x) or True)
    return calls


def test_the_kernels_undo_a_network_bit_for_bit(kernels_on_the_cpu: list) -> None:
    torch.manual_seed(0)
    net = InvertibleUNet(2, (4, 8), resampling_init="random", state="fixed16")
    rebuilt, pushed = rebuilt_and_pushed(net, image(1, 4, 8, 8), None)
    assert torch.equal(rebuilt, pushed)
    assert kernels_on_the_cpu


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_the_kernels_give_the_gradients(kernels_on_the_cpu: list, memory_format: torch.memory_format) -> None:
    torch.manual_seed(0)
    net, x = IUNet(2, 1, 2, (4, 8), resampling_init="random", state="fixed16"), image(2, 1, 8, 8)
    stored = copy.deepcopy(net)
    stored.unet.backprop = "stored"
    expected = gradient(stored, x)
    net = net.to(memory_format=memory_format)
    found = gradient(net, x.contiguous(memory_format=memory_format))
    assert kernels_on_the_cpu
    assert (found - expected).norm() < 1e-2 * expected.norm()


def test_a_network_that_was_trained_can_be_copied_and_pickled() -> None:
    net, x = IUNet(2, 1, 2, (4, 8), state="fixed16"), image(1, 1, 8, 8)
    expected = gradient(net, x)
    assert net.unet.steps.__getstate__()["_copy"] is None  # may hold an event of a GPU
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        torch.testing.assert_close(gradient(other, x), expected)


def test_values_that_leave_the_range_wrap_around_and_come_back() -> None:
    u = torch.tensor([LARGEST, -LARGEST, 5], dtype=torch.int16)
    shift, step, largest = torch.tensor([3.0, -9e9, 0.26]), torch.tensor(0.5), torch.zeros((), dtype=torch.int32)
    total = add_in_steps(u, shift, step, largest)
    assert total.tolist() == [LARGEST + 6 - 2**16, -2 * LARGEST + 2**16, 6]
    assert largest == 2 * LARGEST
    assert torch.equal(subtract_in_steps_(total, shift, step), u)


def test_steps_are_powers_of_two_that_hold_the_values() -> None:
    torch.manual_seed(0)
    net = InvertibleUNet(2, (8, 16), state="fixed16")
    net(100 * image(1, 8, 16, 16)).sum().backward()
    exponents = net.steps.step.log2()
    assert torch.equal(exponents, exponents.round())
    assert (net.steps.largest <= fixed_point.COARSEN_ABOVE).all()
    assert (net.steps.largest > fixed_point.REFINE_BELOW / 2).all()
    x = image(3)
    torch.testing.assert_close(
        in_units(in_steps(x, net.steps.step[0]), net.steps.step[0]), x, rtol=0, atol=0.51 * float(net.steps.step[0])
    )


def test_steps_grow_until_the_values_fit_and_say_that_they_did_not() -> None:
    steps = Steps(2)
    stream = steps.begin(torch.ones(1), lambda x, stream: [one.fill_(2**13) for one in stream.largest])
    before = steps.step.clone()
    stream.largest[1].fill_(2**16)
    steps.end(stream)
    with pytest.warns(UserWarning, match=r"left the range of 16 bits.*level 1: 1\. .*set state='float'"):
        stream = steps.begin(torch.ones(1), lambda x, stream: None)
    assert torch.equal(steps.step, before * torch.tensor([1.0, 2.0]))
    for one in stream.largest:
        one.fill_(2**10)
    steps.end(stream)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        steps.begin(torch.ones(1), lambda x, stream: None)
    assert torch.equal(steps.step, before * torch.tensor([0.5, 1.0]))


def test_steps_of_two_levels_are_not_too_far_apart_for_a_byte() -> None:
    steps = Steps(2)

    def push(x: Tensor, stream: Stream) -> None:
        stream.largest[0].fill_(2)
        stream.largest[1].fill_(2**14)

    steps.begin(torch.ones(1), push)
    assert steps.step[1] == 32 * steps.step[0]


@pytest.mark.parametrize(
    "settings", [{}, {"deep_supervision": True}, {"backprop": ("recompute", "store", "recompute")}], ids=str
)
def test_gradients_are_as_near_to_float64_as_those_of_bf16(settings: dict) -> None:
    def found(state: str, dtype: torch.dtype, *, low: bool) -> Tensor:
        torch.manual_seed(0)
        net = IUNet(2, 1, 2, (8, 16, 32), couplings=4, state=state, **settings).to(dtype)
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            y = net(image(1, 1, 32, 32).to(dtype))
        sum(one.double().square().mean() for one in (y if isinstance(y, list) else [y])).backward()
        return torch.cat([p.grad.flatten().double() for p in net.parameters()])

    exact = found("float", torch.float64, low=False)
    bf16, fixed = ((found(state, torch.float32, low=True) - exact).norm() for state in ("float", "fixed16"))
    assert fixed < 1.3 * bf16


def test_compiled_functions_are_undone_bit_for_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda function, *, dynamic: compile_(function, backend="aot_eager"))
    torch.manual_seed(0)
    net = InvertibleUNet(2, (8, 16), couplings=4, state="fixed16")
    rebuilt, pushed = rebuilt_and_pushed(net, image(2, 8, 16, 16), torch.bfloat16, compiled=True)
    assert torch.equal(rebuilt, pushed)


def test_state_dicts_are_those_of_a_floating_point_state() -> None:
    nets = [IUNet(2, 1, 2, (4, 8), state=state) for state in ("float", "fixed16")]
    assert nets[0].state_dict().keys() == nets[1].state_dict().keys()
    nets[1].load_state_dict(nets[0].state_dict())
    x = image(1, 1, 8, 8)
    torch.testing.assert_close(nets[0].eval()(x), nets[1].eval()(x), rtol=0, atol=0)


def test_affine_couplings_are_refused() -> None:
    with pytest.raises(ValueError, match="state='fixed16': expected coupling='additive', got 'affine'"):
        InvertibleUNet(2, (4, 8), coupling="affine", state="fixed16")
