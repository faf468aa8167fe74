"""An IUNet that starts as the identity returns its input and can learn."""

import pytest
import torch

from iunet_med.networks import IUNet, start_as_identity


@pytest.mark.parametrize("couplings", [1, 2, [1, 2, 3]])
@pytest.mark.parametrize("channels", [1, 3])
def test_it_returns_its_input(couplings: int | list[int], channels: int) -> None:
    torch.manual_seed(0)
    network = IUNet(2, channels, channels, (6, 12, 24), couplings=couplings, norm=("group", {"num_groups": 1})).double()
    x = torch.randn(2, channels, 16, 20, dtype=torch.float64)
    torch.testing.assert_close(start_as_identity(network)(x), x, rtol=0, atol=1e-12)


def test_it_learns() -> None:
    torch.manual_seed(0)
    network = start_as_identity(IUNet(1, 1, 1, (4, 8)))
    x = torch.randn(4, 1, 32)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (network(x) - x.flip(2)).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_what_cannot_be_is_told() -> None:
    with pytest.raises(ValueError, match="expected 2 out_channels, got 3"):
        start_as_identity(IUNet(1, 2, 3, (4,)))
    with pytest.raises(ValueError, match="expected couplings with a norm"):
        start_as_identity(IUNet(1, 1, 1, (4,), norm=None))
