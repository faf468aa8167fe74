import copy

import pytest
import torch

from iunet_med import IUNet
from iunet_med.memory import LiveBytes


def test_reversible_and_stored_are_the_same_network() -> None:
    net = IUNet(3, 2, 3, (4, 8, 16)).double()
    stored = IUNet(3, 2, 3, (4, 8, 16), backprop="stored").double()
    stored.load_state_dict(net.state_dict())
    x = torch.randn(1, 2, 9, 8, 6, dtype=torch.float64, requires_grad=True)
    results = []
    for each in (net, stored):
        y = each(x)
        assert y.shape == (1, 3, 9, 8, 6)
        results.append([y, *torch.autograd.grad(y.pow(2).sum(), [x, *each.parameters()])])
    torch.testing.assert_close(*results)


def test_padding_leaves_the_part_far_from_the_border_alone() -> None:
    net = IUNet(1, 1, 1, (2, 4), couplings=1, norm=None).double()
    x = torch.randn(1, 1, 41, dtype=torch.float64)
    longer = torch.cat([x, torch.randn(1, 1, 7, dtype=torch.float64)], 2)
    torch.testing.assert_close(net(x)[..., :24], net(longer)[..., :24])
    assert not torch.allclose(net(x)[..., -1], net(longer)[..., 40])


def test_evaluation_records_no_graph_and_equals_training_mode() -> None:
    net, x = IUNet(2, 1, 2, (4, 8)), torch.randn(1, 1, 8, 8)
    with torch.no_grad():
        y = net(x)
    assert not y.requires_grad
    torch.testing.assert_close(y, net(x).detach())


def test_deepcopy_gives_an_independent_network() -> None:
    net, x = IUNet(2, 1, 1, (4, 8)), torch.randn(1, 1, 8, 8)
    twin = copy.deepcopy(net)
    twin(x).sum().backward()
    assert all(p.grad is None for p in net.parameters())
    torch.testing.assert_close(twin(x), net(x))


def test_state_stays_in_full_precision_under_autocast() -> None:
    net, x = IUNet(2, 1, 1, (4, 8)), torch.randn(1, 1, 8, 8)
    types = []
    net.unet.register_forward_hook(lambda *args: types.append(args[2].dtype))
    with torch.autocast("cpu", torch.bfloat16):
        y = net(x)
    assert types == [torch.float32]
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), net(x), atol=0.1, rtol=0.1)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 3, 8, 8), r"Expected a tensor \(batch, 2 channels, 2 spatial axes\), got shape \(1, 3, 8, 8\)"),
        ((2, 8, 8), r"Expected a tensor \(batch, 2 channels, 2 spatial axes\), got shape \(2, 8, 8\)"),
        ((1, 2, 8, 1), r"at least the network's reach, \(2, 2\) voxels .* got \(8, 1\)"),
    ],
)
def test_wrong_inputs_are_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        IUNet(2, 2, 1, (4, 8))(torch.zeros(shape))


def test_misspelt_keywords_are_refused() -> None:
    with pytest.raises(TypeError, match="chanels"):
        IUNet(3, 1, 1, chanels=(4, 8))


@pytest.mark.parametrize("backprop", ["reversible", "stored"])
@pytest.mark.parametrize("size", [(8, 8, 8), (9, 12, 10)])
def test_torchscript_computes_the_same_at_every_size(size: tuple[int, int, int], backprop: str) -> None:
    net = IUNet(3, 2, 1, (4, 8), backprop=backprop).eval()
    x = torch.randn(1, 2, *size)
    with torch.no_grad():
        torch.testing.assert_close(torch.jit.script(net)(x), net(x), rtol=0, atol=0)


def test_what_monai_s_networks_take_by_position_is_refused_with_its_name() -> None:
    with pytest.raises(TypeError, match=r"by position; write strides=\(2, 2, 2, 2\)"):
        IUNet(3, 1, 2, (16, 32, 64, 128, 256), (2, 2, 2, 2))


@pytest.mark.parametrize("channels", ["ab", (4.0, 8.0), (True, 8)])
def test_channels_are_whole_numbers(channels) -> None:
    with pytest.raises(ValueError, match="expected whole numbers, one per level"):
        IUNet(2, 1, 1, channels)


def test_kernels_per_level_reach_their_levels() -> None:
    net = IUNet(3, 1, 1, (4, 8), kernel_size=[(1, 3, 3), (3, 3, 3)])
    kernels = [m.kernel_size for m in net.modules() if isinstance(m, torch.nn.Conv3d)]
    assert kernels == [(1, 3, 3)] * 2 + [(3, 3, 3)] * 4 + [(1, 3, 3)] * 2 + [(1, 3, 3), (1, 1, 1)]
    with pytest.raises(ValueError, match="such a tuple for each of the 2 levels"):
        IUNet(3, 1, 1, (4, 8), kernel_size=[(1, 3, 3)])


def test_an_activation_s_class_is_an_activation() -> None:
    by_class, by_name = (IUNet(2, 1, 1, (4, 8), act=act) for act in (torch.nn.ReLU, "relu"))
    assert str(by_class) == str(by_name)


def test_channels_last_changes_nothing_but_the_memory_format() -> None:
    net, x = IUNet(3, 1, 1, (4, 8)), torch.randn(1, 1, 8, 8, 8)
    expected = net(x)
    net.to(memory_format=torch.channels_last_3d)
    torch.testing.assert_close(net(x.to(memory_format=torch.channels_last_3d)), expected)


@pytest.mark.parametrize("resampling", ["cayley", "exp", "householder", "givens"])
@pytest.mark.parametrize("backprop", ["reversible", "stored"])
def test_a_network_in_bfloat16_trains_and_follows_the_one_in_float32(resampling: str, backprop: str) -> None:
    torch.manual_seed(0)
    net = IUNet(2, 1, 1, (4, 8), resampling=resampling, backprop=backprop)
    low, x = copy.deepcopy(net).bfloat16(), torch.randn(1, 1, 16, 16)
    net(x).square().sum().backward()
    y = low(x.bfloat16())
    assert y.dtype == torch.bfloat16
    y.float().square().sum().backward()
    for (name, a), b in zip(net.named_parameters(), low.parameters(), strict=True):
        error = (a.grad - b.grad).norm() / a.grad.norm().clamp(min=1e-3)
        assert error < 0.1, name


def test_in_bfloat16_reversible_gradients_are_the_stored_ones() -> None:
    torch.manual_seed(0)
    net = IUNet(2, 1, 1, (4, 8, 16), couplings=4).bfloat16()
    stored = copy.deepcopy(net)
    stored.unet.backprop = "stored"
    x = torch.randn(1, 1, 16, 16, dtype=torch.bfloat16)
    for network in (net, stored):
        network(x).float().square().sum().backward()
    for a, b in zip(net.parameters(), stored.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=2e-2, atol=1e-3)


def test_weights_of_another_map_are_refused_and_older_files_load() -> None:
    cayley, exp = (IUNet(2, 1, 1, (4, 8), resampling=name) for name in ("cayley", "exp"))
    with pytest.raises(RuntimeError, match="expected weights for the map 'exp', got those for 'cayley'"):
        exp.load_state_dict(cayley.state_dict())
    older = {name: value for name, value in cayley.state_dict().items() if not name.endswith("map_number")}
    cayley.load_state_dict(older)


@pytest.mark.parametrize("backprop", ["reversible", "stored", ("recompute", "store", "store")])
def test_deep_supervision_gives_logits_per_level_with_the_stored_gradients(backprop) -> None:
    torch.manual_seed(0)
    net = IUNet(2, 1, 3, (4, 8, 16), backprop=backprop, deep_supervision=True).double()
    stored = copy.deepcopy(net)
    stored.unet.backprop = "stored"
    x = torch.randn(2, 1, 14, 16, dtype=torch.float64)
    outputs = net(x)
    assert [tuple(one.shape) for one in outputs] == [(2, 3, 14, 16), (2, 3, 7, 8)]
    sum(one.square().mean() for one in outputs).backward()
    sum(one.square().mean() for one in stored(x)).backward()
    for a, b in zip(net.parameters(), stored.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)
    plain = IUNet(2, 1, 3, (4, 8, 16)).double()
    plain.load_state_dict(net.state_dict(), strict=False)
    torch.testing.assert_close(outputs[0], plain(x))
    torch.testing.assert_close(net.eval()(x), plain.eval()(x))
    net.deep_supervision = "always"
    assert len(net(x)) == 2


def test_deep_supervision_costs_memory_per_level_and_not_per_coupling() -> None:
    held = []
    for couplings in (2, 6):
        net, x = IUNet(2, 1, 1, (8, 16, 32), couplings=couplings, deep_supervision=True), torch.randn(1, 1, 64, 64)
        with LiveBytes() as live:
            outputs = net(x)
            held.append(live.now)
        del outputs
    assert held[1] <= 1.01 * held[0]
