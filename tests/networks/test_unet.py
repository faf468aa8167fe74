"""The conventional U-Net is the published one, and its gradients and exports are torch's."""

import pytest
import torch

from iunet_med.networks import UNet


def test_the_published_3d_unet_has_its_published_number_of_parameters() -> None:
    """Çiçek et al. 2016, section 2, count 19069955 for three channels in and out, without the normalisation's."""
    net = UNet(3, 3, 3, (64, 128, 256, 512), norm=None)
    assert sum(parameter.numel() for parameter in net.parameters()) == 19_069_955


def test_the_network_is_the_formula() -> None:
    net = UNet(2, 3, 2, (4, 6), convolutions=1, norm=None, act=None).double()
    x = torch.randn(1, 3, 8, 8, dtype=torch.float64)
    skip = net.left[0](x)
    low = net.left[1](torch.nn.functional.max_pool2d(skip, 2))
    raised = torch.nn.functional.conv_transpose2d(low, net.up[0].weight, stride=2)
    torch.testing.assert_close(net(x), net.head(net.right[0](torch.cat([raised, skip], 1))))


def test_the_gradient_is_the_derivative() -> None:
    net = UNet(1, 1, 1, (2, 4, 6), convolutions=(1, 2, 1), strides=(2, 3), norm="group", act="tanh").double()
    x = torch.randn(2, 1, 13, dtype=torch.float64, requires_grad=True)
    assert net.reach == (6,)
    assert torch.autograd.gradcheck(net, x)


def test_padding_leaves_the_part_far_from_the_border_alone() -> None:
    net = UNet(1, 1, 1, (2, 4), convolutions=1, norm=None).double()
    x = torch.randn(1, 1, 41, dtype=torch.float64)
    longer = torch.cat([x, torch.randn(1, 1, 7, dtype=torch.float64)], 2)
    torch.testing.assert_close(net(x)[..., :30], net(longer)[..., :30])
    assert not torch.allclose(net(x)[..., -1], net(longer)[..., 40])


@pytest.mark.parametrize("size", [(8, 8, 8), (9, 12, 10)])
def test_torchscript_computes_the_same_at_every_size(size: tuple[int, int, int]) -> None:
    net, x = UNet(3, 2, 1, (4, 8, 16), dropout=0.1).eval(), torch.randn(1, 2, *size)
    with torch.no_grad():
        torch.testing.assert_close(torch.jit.script(net)(x), net(x), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": (3, 6)}, r"channels=\(3, 6\): expected one positive integer per level, the first even"),
        (
            {"channels": (4, 8), "convolutions": (2,)},
            r"convolutions=\(2,\): expected one integer >= 1, or one per level \(2\)",
        ),
        ({"channels": (4, 8), "strides": (2, 2)}, r"strides=\(2, 2\): expected .* for each of the 1 steps down"),
        ({"channels": (4, 8), "padding": "zero"}, "Unknown padding='zero'; choose one of 'auto', 'none'"),
        ({"channels": (4, 8), "norm": "layer"}, "Unknown norm 'layer'"),
    ],
)
def test_impossible_plans_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        UNet(3, 1, 1, **arguments)


def test_wrong_inputs_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"Expected a tensor \(batch, 2 channels, 2 spatial axes\), got shape \(1, 3, 8, 8\)"
    ):
        UNet(2, 2, 1, (4, 8))(torch.zeros(1, 3, 8, 8))
    with pytest.raises(ValueError, match=r"at least the network's reach, \(2, 2\) voxels .* got \(8, 1\)"):
        UNet(2, 2, 1, (4, 8))(torch.zeros(1, 2, 8, 1))
