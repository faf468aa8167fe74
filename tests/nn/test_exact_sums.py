from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from iunet_med.nn import AdditiveCoupling, Bijection, Chain, ChannelMixing, Couplings, Inverse, OrthogonalDownsampling
from iunet_med.nn.exact_sums import SPACING, ToGrid, to_grid
from iunet_med.nn.parts import joined
from iunet_med.nn.vjp import BackwardState, Tape


def on_grid(*shape: int) -> Tensor:
    return to_grid(10 * torch.randn(*shape, generator=torch.Generator().manual_seed(0)))


def under_autocast() -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16)


def test_rounds_to_the_nearest_multiple_and_differentiates_as_the_identity() -> None:
    x = torch.tensor([0.4, 0.6, -1.4, 3.0]).mul(SPACING).requires_grad_()
    y = to_grid(x)
    torch.testing.assert_close(y, SPACING * torch.tensor([0.0, 1.0, -1.0, 3.0]), rtol=0, atol=0)
    torch.testing.assert_close(torch.autograd.grad(y.square().sum(), x)[0], 2 * y, rtol=0, atol=0)
    assert to_grid(x.bfloat16()).dtype == torch.float32


def test_sums_on_the_grid_are_exact_up_to_1024() -> None:
    largest = 1024 - SPACING
    x = torch.tensor([largest, -3.25, 511.0])
    shift = torch.tensor([-SPACING, 1000 + SPACING, 511 + SPACING])
    assert torch.equal((x + shift) - shift, x)
    assert ((x + shift).double() == x.double() + shift.double()).all()


def test_only_training_under_autocast_rounds() -> None:
    layer, x = ToGrid(), torch.tensor([0.1])
    assert torch.equal(layer(x), x)
    with under_autocast():
        assert torch.equal(layer(x), to_grid(x))
        assert torch.equal(layer.eval()(x), x)


@pytest.mark.parametrize(
    "make",
    [
        lambda: OrthogonalDownsampling(2, (2, 2), init="random", on_grid=True),
        lambda: Inverse(OrthogonalDownsampling(1, (2,), orthogonal="exp", init="random", on_grid=True)),
        lambda: ChannelMixing(16, init="random", on_grid=True),
    ],
    ids=["downsampling", "inverse", "mixing"],
)
def test_isometry_on_the_grid_is_undone_bit_for_bit(make: Callable[[], Bijection]) -> None:
    torch.manual_seed(0)
    isometry = make()
    shape = {OrthogonalDownsampling: (2, 2, 8, 6), Inverse: (2, 2, 40), ChannelMixing: (2, 16, 5, 4)}[type(isometry)]
    x = on_grid(*shape)
    tape = Tape()
    with under_autocast(), torch.no_grad():
        parts = isometry.push([x], tape)
        y = joined(parts)
        assert torch.equal(y, to_grid(y))
        assert not torch.equal(isometry.inverse(y), x)
        assert tape[0].dtype == torch.int8
        assert tape[0].any()
        state = BackwardState(parts, [torch.ones_like(y)], tape)
        isometry.pull_back(state)
    rebuilt, _ = state.take()
    assert torch.equal(joined(rebuilt), x)
    assert not tape


def test_a_deep_chain_in_bf16_is_rebuilt_bit_for_bit() -> None:
    torch.manual_seed(0)
    couplings = Couplings(
        AdditiveCoupling(nn.Sequential(nn.Conv1d(2, 2, 3, padding=1), nn.GroupNorm(1, 2), nn.LeakyReLU(), ToGrid()))
        for _ in range(30)
    )
    down = OrthogonalDownsampling(4, (1,), on_grid=True)
    chain, x, tape = Chain(couplings=couplings, down=down), on_grid(1, 4, 16), Tape()
    with under_autocast():
        y = chain.push([x], tape)
        state = BackwardState(y, [torch.ones_like(x)], tape)
        chain.pull_back(state)
    assert torch.equal(joined(state.take()[0]), x)
