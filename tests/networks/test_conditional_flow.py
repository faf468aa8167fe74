"""A conditional flow is a density for every condition; learned noise has the density that it says it has."""

import math

import pytest
import torch
from torch import Tensor, nn

from iunet_med.memory import count_step_memory
from iunet_med.networks import IUNetFlow, VariationalDequantisation


def shaken(module: nn.Module, std: float) -> nn.Module:
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=std)
    return module.double()


def test_the_density_integrates_to_one_for_every_condition() -> None:
    flow = shaken(IUNetFlow((1, 2), levels=1, couplings=2, condition_channels=1), 0.15)
    assert isinstance(flow, IUNetFlow)
    flow.norm.is_set.fill_(True)
    edge = torch.linspace(-12, 12, 241, dtype=torch.float64)
    grid = torch.cartesian_prod(edge, edge)[:, None]
    densities = []
    for value in (-1.0, 2.0):
        condition = torch.full((len(grid), 1, 2), value, dtype=torch.float64)
        with torch.no_grad():
            densities.append(flow.log_prob(grid, condition).exp())
    for density in densities:
        assert float(density.sum()) * float(edge[1] - edge[0]) ** 2 == pytest.approx(1, abs=1e-3)
    assert float((densities[0] - densities[1]).abs().max()) > 0.01


def test_samples_follow_their_condition_back_to_its_codes() -> None:
    flow = shaken(IUNetFlow((1, 8, 8), condition_channels=2), 0.1)
    assert isinstance(flow, IUNetFlow)
    flow.norm.is_set.fill_(True)
    condition = torch.randn(3, 2, 8, 8, dtype=torch.float64)
    drawn = flow.sample(3, condition, temperature=0.0)
    assert flow.given is not None
    torch.testing.assert_close(flow.forward_and_log_det(drawn)[0], flow.given(condition).mean)
    assert flow.sample(5, condition[:1]).shape == (5, 1, 8, 8)


def test_a_condition_is_learned() -> None:
    torch.manual_seed(0)
    flow = IUNetFlow((1, 8, 8), couplings=2, condition_channels=1)

    def pairs(count: int) -> tuple[Tensor, Tensor]:
        condition = torch.randn(count, 1, 8, 8)
        return condition + 0.2 * torch.randn_like(condition), condition

    optimizer = torch.optim.Adam(flow.parameters(), lr=5e-3)
    for _ in range(40):
        optimizer.zero_grad()
        (-flow(*pairs(64)).mean() / 64).backward()
        optimizer.step()
    with torch.no_grad():
        found = float(-flow(*pairs(500)).mean()) / 64
    unconditional = 0.5 * math.log(2 * math.pi * math.e * 1.04)
    best = 0.5 * math.log(2 * math.pi * math.e * 0.04)
    assert found < 0.5 * (best + unconditional), (best, found, unconditional)


def test_learned_noise_has_the_density_that_it_says() -> None:
    dequantise = shaken(VariationalDequantisation((1, 4, 4), values=4, backprop="stored"), 0.1)
    assert isinstance(dequantise, VariationalDequantisation)
    x = torch.randint(0, 4, (1, 1, 4, 4), generator=torch.Generator().manual_seed(1))
    noise, log_density = dequantise(x, torch.Generator().manual_seed(2))
    drawn = torch.randn(1, 4, 2, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64)

    def moved(z: Tensor) -> Tensor:
        normal = dequantise.given(2 * x.double() / 3 - 1)
        return torch.sigmoid(dequantise.down.inverse(dequantise.unet(normal.mean + normal.stddev * z)))

    torch.testing.assert_close(moved(drawn), noise)
    jacobian = torch.autograd.functional.jacobian(lambda z: moved(z).flatten(), drawn).reshape(16, 16)
    exact = torch.distributions.Normal(0.0, 1.0).log_prob(drawn).sum() - torch.linalg.slogdet(jacobian)[1]
    torch.testing.assert_close(log_density[0], exact)


def test_gradients_of_the_bound_are_those_of_stored_activations() -> None:
    found: list[list[Tensor]] = []
    x = torch.randint(0, 16, (3, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    for backprop in ("reversible", "stored"):
        flow = shaken(IUNetFlow((1, 8, 8), condition_channels=1, backprop=backprop), 0.1)
        noise = shaken(VariationalDequantisation((1, 8, 8), values=16, backprop=backprop), 0.1)
        assert isinstance(flow, IUNetFlow)
        assert isinstance(noise, VariationalDequantisation)
        flow.norm.is_set.fill_(True)
        bits = flow.bits_per_dim(
            x, 16, x.double(), dequantisation=noise, generator=torch.Generator().manual_seed(1)
        ).mean()
        bits.backward()
        found.append([p.grad for part in (flow, noise) for p in part.parameters() if p.grad is not None])
    assert len(found[0]) == len(found[1]) > 40
    for rebuilt, stored in zip(*found, strict=True):
        torch.testing.assert_close(rebuilt, stored, rtol=1e-7, atol=1e-9)


def test_memory_of_learned_noise_does_not_grow_with_depth() -> None:
    def rest(couplings: int) -> int:
        noise = VariationalDequantisation((1, 64, 64), values=16, couplings=couplings)
        x = torch.randint(0, 16, (8, 1, 64, 64))
        return count_step_memory(noise, x, loss=lambda both: both[1].mean()).rest

    assert rest(8) - rest(2) < 8 * 64 * 64 * 4 / 2


def test_learned_noise_makes_the_bound_tighter() -> None:
    """Of a density that can be no better than flat, whole numbers cost what they cost; noise that is not flat helps
    a flow whose codes are normal."""
    torch.manual_seed(0)
    bits = []
    for learned in (False, True):
        torch.manual_seed(0)
        flow = IUNetFlow((1, 2, 2), levels=1, couplings=1)
        noise = VariationalDequantisation((1, 2, 2), values=2, levels=1, couplings=1) if learned else None
        parts = nn.ModuleList([flow] if noise is None else [flow, noise])
        optimizer = torch.optim.Adam(parts.parameters(), lr=1e-2)
        for _ in range(60):
            x = torch.randint(0, 2, (64, 1, 2, 2))
            optimizer.zero_grad()
            flow.bits_per_dim(x, 2, dequantisation=noise).mean().backward()
            optimizer.step()
        x = torch.randint(0, 2, (500, 1, 2, 2))
        bits.append(float(flow.bits_per_dim(x, 2, dequantisation=noise).mean().detach()))
    assert 1 <= bits[1] < bits[0] - 0.02, bits


def test_a_condition_where_none_belongs_is_told() -> None:
    with pytest.raises(ValueError, match="expected no condition, got one"):
        IUNetFlow((1, 8, 8)).log_prob(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8))
    conditional = IUNetFlow((1, 8, 8), condition_channels=1)
    with pytest.raises(ValueError, match="expected a condition, got none"):
        conditional.log_prob(torch.randn(2, 1, 8, 8))
    with pytest.raises(ValueError, match=r"expected conditions of shape \(1, 8, 8\), got \(2, 8, 8\)"):
        conditional.log_prob(torch.randn(2, 1, 8, 8), torch.zeros(2, 2, 8, 8))
