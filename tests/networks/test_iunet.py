import copy

import pytest
import torch

from iunet_med import IUNet


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
    net = IUNet(1, 1, 1, (2, 4), 1, norm=None).double()
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
        ((1, 3, 8, 8), r"\(1, 3, 8, 8\) came; \(batch, 2 channels, 2 spatial axes\) is needed"),
        ((2, 8, 8), r"\(2, 8, 8\) came; \(batch, 2 channels, 2 spatial axes\) is needed"),
        ((1, 2, 8, 1), r"spatial shape \(8, 1\) came, smaller than the network's reach \(2, 2\)"),
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
