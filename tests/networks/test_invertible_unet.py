import pytest
import torch
from torch import Tensor, nn

from iunet_med import InvertibleUNet
from iunet_med.memory import LiveBytes
from iunet_med.nn import AffineCoupling, Isometry
from iunet_med.nn.coupling import Coupling

NETWORKS = [
    {"spatial_dims": 1, "channels": (4, 8, 8), "resampling_init": "random"},
    {"spatial_dims": 1, "channels": (2,)},
    {"spatial_dims": 2, "channels": (4, 8), "couplings": (1, 2), "norm": None, "act": "elu"},
    {"spatial_dims": 2, "channels": (2, 18), "strides": 3, "resampling_init": "pixel_shuffle"},
    {"spatial_dims": 2, "channels": (4, 8), "coupling": "affine", "resampling": "householder"},
    {"spatial_dims": 1, "channels": (4, 8), "mixing": "cayley", "resampling": "givens"},
    {"spatial_dims": 3, "channels": (4, 8, 16), "strides": [(1, 2, 2), 2], "resampling": "exp", "norm": "group"},
]
SIZES = {1: (8,), 2: (6, 12), 3: (2, 4, 8)}


def network(settings: dict, **more) -> InvertibleUNet:
    net = InvertibleUNet(**settings, **more).double()
    for module in net.modules():
        if isinstance(module, Isometry):
            nn.init.normal_(module.weight)
        if isinstance(module, AffineCoupling):
            nn.init.normal_(module.function[-1].weight, std=0.3)
    return net


def state(settings: dict) -> Tensor:
    dims = settings["spatial_dims"]
    return torch.randn(2, settings["channels"][0], *SIZES[dims], dtype=torch.float64)


@pytest.mark.parametrize("settings", NETWORKS)
def test_round_trip_and_log_det(settings: dict) -> None:
    net, x = network(settings, backprop="stored"), state(settings)
    torch.testing.assert_close(net.inverse(net(x)), x)
    torch.testing.assert_close(net(net.inverse(x)), x)
    one = x[:1]
    jacobian = torch.autograd.functional.jacobian(net, one).reshape(one.numel(), one.numel())
    torch.testing.assert_close(torch.linalg.slogdet(jacobian)[1].reshape(1), net.log_det(one))


@pytest.mark.parametrize("settings", NETWORKS)
def test_reversible_gradients_equal_stored_ones(settings: dict) -> None:
    net = network(settings, coupling_depth=2, dropout=0.2)
    levels = len(net.plan.channels)
    x = state(settings).requires_grad_()
    results = []
    for backprop in ("stored", "reversible", ("recompute",) + ("store",) * (levels - 1)):
        net.backprop = backprop
        torch.manual_seed(0)
        y = net(x)
        results.append([y, *torch.autograd.grad(y.pow(3).sum(), [x, *net.parameters()])])
    torch.testing.assert_close(results[1], results[0])
    torch.testing.assert_close(results[2], results[0])


@pytest.mark.parametrize("settings", NETWORKS)
def test_codes_hold_as_much_as_the_input_and_decode(settings: dict) -> None:
    net, x = network(settings), state(settings)
    codes = net.encode(x)
    assert sum(code.numel() for code in codes) == x.numel()
    torch.testing.assert_close(net.decode(codes), x)
    with pytest.raises(ValueError, match=f"Expected one code per level, {len(codes)}, got 0"):
        net.decode([])


def test_a_level_that_is_stored_costs_memory_and_no_evaluation() -> None:
    net = InvertibleUNet(2, (4, 8, 16), couplings=(1, 2, 3))
    calls = []

    def counted(forward):
        return lambda x: calls.append(1) or forward(x)

    for module in net.modules():
        if isinstance(module, Coupling):  # hooks would make every pass an ordinary one
            module.function.forward = counted(module.function.forward)
    x, held = torch.randn(1, 4, 16, 16), []
    for backprop, expected in (("reversible", 24), (("recompute", "store", "store"), 14), ("stored", 12)):
        net.backprop = backprop
        calls.clear()
        with LiveBytes() as live:
            y = net(x)
            held.append(live.now)
            y.sum().backward()
        assert len(calls) == expected
    assert held[0] < held[1] < held[2]


def test_affine_couplings_start_as_the_identity() -> None:
    net, x = InvertibleUNet(2, (4, 8), coupling="affine").double(), state(NETWORKS[2])
    assert net.log_det(x).abs().max() == 0
    torch.testing.assert_close(net(x).norm(), x.norm())


def test_a_net_without_couplings_functions_is_an_isometry() -> None:
    net = network(NETWORKS[-1])
    for name, parameter in net.named_parameters():
        if name.endswith("1.weight"):
            nn.init.zeros_(parameter)
    x = state(NETWORKS[-1])
    torch.testing.assert_close(net(x).norm(), x.norm())


def test_upsampling_undoes_downsampling_at_the_start() -> None:
    net = InvertibleUNet(3, (4, 8), resampling_init="random").double()
    x = torch.randn(1, 1, 4, 2, 6, dtype=torch.float64)
    inner = net.level.lower.inner
    torch.testing.assert_close(inner.up(inner.down(x)), x)
    assert inner.up.bijection.weight is not inner.down.weight


@pytest.mark.parametrize("size", [(5, 6), (4, 7), (8, 8)])
def test_padded_sizes_invert_too(size: tuple[int, int]) -> None:
    net = InvertibleUNet(2, (4, 8, 16)).double()
    x = torch.randn(1, 4, *size, dtype=torch.float64)
    y = net(x)
    assert all(n % 4 == 0 for n in y.shape[2:])
    torch.testing.assert_close(net.inverse(y, size), x)


def test_memory_is_constant_in_the_number_of_couplings() -> None:
    x = torch.randn(1, 8, 64, 64)
    peaks = []
    for couplings in (2, 6):
        net = InvertibleUNet(2, (8, 16, 32), couplings=couplings)
        with LiveBytes() as live:
            net(x).sum().backward()
            peaks.append(live.peak - sum(p.grad.nbytes for p in net.parameters()))
    assert peaks[1] <= 1.01 * peaks[0]
    assert peaks[1] <= 7 * x.nbytes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": (4, 9)}, r"nearest possible plan is channels=\(4, 8\)"),
        ({"spatial_dims": 4}, "Unknown spatial_dims=4; choose one of 1, 2, 3"),
        ({"backprop": "checkpoint"}, "Unknown backprop='checkpoint'; choose one of 'reversible', 'stored'"),
        (
            {"backprop": ("store",)},
            r"backprop=\('store',\): expected .* 'recompute' or 'store' for each of the 2 levels",
        ),
        ({"coupling": "cubic"}, "Unknown coupling='cubic'; choose one of 'additive', 'affine'"),
        ({"padding": "same"}, "Unknown padding='same'; choose one of 'auto', 'none'"),
        ({"couplings": (1, 2, 3)}, r"couplings=\(1, 2, 3\): expected one integer >= 1, or one per level \(2\)"),
        ({"couplings": 0}, "couplings=0: expected"),
    ],
)
def test_impossible_networks_are_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        InvertibleUNet(**{"spatial_dims": 2, "channels": (4, 8), **change})


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 3, 8, 8), r"Expected a tensor \(batch, 4 channels, 2 spatial axes\), got shape \(1, 3, 8, 8\)"),
        ((1, 4, 8), r"Expected a tensor \(batch, 4 channels, 2 spatial axes\), got shape \(1, 4, 8\)"),
        ((1, 4, 3, 8), r"at least the network's reach, \(4, 4\) voxels .* got \(3, 8\)"),
        ((1, 4, 4, 4), r"got \(4, 4\): a single voxel at the lowest level, .* norm='group'"),
        ((1, 4, 9, 8), r"multiples of \(4, 4\), got \(9, 8\); pad it to \(12, 8\) or set padding='auto'"),
    ],
)
def test_impossible_inputs_are_refused(shape: tuple[int, ...], message: str) -> None:
    net = InvertibleUNet(2, (4, 8, 16), padding="none")
    with pytest.raises(ValueError, match=message):
        net(torch.zeros(shape))


def test_log_det_of_a_padded_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected a spatial shape of multiples of \(2,\), got \(5,\)"):
        InvertibleUNet(1, (4, 8)).log_det(torch.zeros(1, 4, 5))


def test_the_network_computes_what_the_paper_describes() -> None:
    """First channels skip, last go down, halves swap after each coupling: written out for two levels."""
    net = network({"spatial_dims": 2, "channels": (6, 8), "couplings": (2, 1), "act": "elu"})
    top, x = net.level, state({"spatial_dims": 2, "channels": (6,)})

    def couple(couplings: nn.Module, z: Tensor) -> Tensor:
        for coupling in couplings.couplings:
            first, second = z[:, : z.shape[1] // 2], z[:, z.shape[1] // 2 :]
            z = torch.cat([second, first + coupling.function(second)], 1)
        return z

    down, up = top.lower.inner.down, top.lower.inner.up.bijection
    z = couple(top.left, x)
    low = nn.functional.conv2d(z[:, 4:], down.matrix().reshape(8, 1, 2, 2), stride=2, groups=2)
    low = couple(top.lower.inner.level, low)
    back = nn.functional.conv_transpose2d(low, up.matrix().reshape(8, 1, 2, 2), stride=2, groups=2)
    torch.testing.assert_close(net(x), couple(top.right, torch.cat([z[:, :4], back], 1)))


def test_affine_couplings_are_not_rounded() -> None:
    settings = {"spatial_dims": 2, "channels": (4, 8), "coupling": "affine"}
    net = InvertibleUNet(**settings)
    plain = InvertibleUNet(**settings, bit_exact=False)
    plain.load_state_dict(net.state_dict())
    x = torch.randn(1, 4, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(net(x), plain(x), rtol=0, atol=0)


@pytest.mark.parametrize("settings", NETWORKS)
@pytest.mark.parametrize("coupling", ["additive", "affine"])
def test_value_and_log_det_come_from_one_evaluation_of_each_function(settings: dict, coupling: str) -> None:
    torch.manual_seed(0)
    net = InvertibleUNet(**{**settings, "coupling": coupling}).double()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    calls = []

    def counted(forward):
        return lambda x: calls.append(1) or forward(x)

    couplings = [module for module in net.modules() if isinstance(module, Coupling)]
    for module in couplings:
        module.function.forward = counted(module.function.forward)
    x = state(settings)
    y, log_det = net.forward_and_log_det(x)
    assert len(calls) == len(couplings)
    torch.testing.assert_close(y, net(x))
    torch.testing.assert_close(log_det, net.log_det(x))
