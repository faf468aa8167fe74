"""A flow's density is that of the change of variables, its gradients need no stored activations, samples lead back."""

import math
import warnings

import pytest
import torch
from torch import Tensor

from iunet_med.memory import count_step_memory
from iunet_med.networks.flow import IUNetFlow


def flow(shape: tuple[int, ...], **options: object) -> IUNetFlow:
    torch.manual_seed(0)
    made = IUNetFlow(shape, **options).double()  # type: ignore[arg-type]
    for parameter in made.unet.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    made.log_prob(3 * torch.randn(4, *shape).double() + 5)  # sets the normalisation
    return made


@pytest.mark.parametrize("shape", [(2, 8), (1, 4, 4), (1, 4, 4, 4)])
def test_the_density_is_that_of_the_jacobian(shape: tuple[int, ...]) -> None:
    made = flow(shape, levels=2, couplings=1, backprop="stored")  # each row of the Jacobian is a backward pass
    x = torch.randn(2, *shape).double()
    z, log_det = made.forward_and_log_det(x)
    for number in range(2):
        jacobian = torch.autograd.functional.jacobian(
            lambda one: made.forward_and_log_det(one[None])[0].flatten(), x[number]
        ).reshape(math.prod(shape), -1)
        torch.testing.assert_close(torch.linalg.slogdet(jacobian)[1], log_det[number])
    normal = torch.distributions.Normal(0.0, 1.0).log_prob(z).flatten(1).sum(1)
    torch.testing.assert_close(made.log_prob(x), normal + log_det)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 4, 4, 8)])
def test_gradients_are_those_of_stored_activations(shape: tuple[int, ...]) -> None:
    found: list[list[Tensor]] = []
    for backprop in ("reversible", "stored"):
        made, x = flow(shape, backprop=backprop), torch.randn(3, *shape).double().requires_grad_()
        made.log_prob(x).mean().backward()
        assert x.grad is not None
        found.append([x.grad, *(p.grad for p in made.parameters() if p.grad is not None)])
    assert len(found[0]) == len(found[1]) > 10
    for rebuilt, stored in zip(*found, strict=True):
        torch.testing.assert_close(rebuilt, stored, rtol=1e-8, atol=1e-9)


def test_memory_does_not_grow_with_depth() -> None:
    def rest(couplings: int, backprop: str) -> int:
        made = IUNetFlow((1, 64, 64), couplings=couplings, backprop=backprop)
        return count_step_memory(made, torch.randn(8, 1, 64, 64), loss=lambda log_prob: -log_prob.mean()).rest

    state = 8 * 64 * 64 * 4
    assert rest(8, "reversible") - rest(2, "reversible") < state / 4
    assert rest(8, "stored") - rest(2, "stored") > 20 * state


def test_samples_lead_back_to_their_codes() -> None:
    made = flow((1, 8, 8))
    drawn = made.sample(5, temperature=0.7, generator=torch.Generator().manual_seed(1))
    wanted = 0.7 * torch.randn(5, 4, 4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.testing.assert_close(made.forward_and_log_det(drawn)[0], wanted)
    assert made.reconstruction_error(drawn) < 1e-12


def test_bits_are_those_of_the_density_of_whole_numbers() -> None:
    """An untrained flow whose normalisation does nothing is a standard normal density of the dequantised values."""
    made = IUNetFlow((1, 4, 4), couplings=1).double()
    made.norm.is_set.fill_(True)
    x = torch.randint(0, 16, (3, 1, 4, 4))
    bits = made.bits_per_dim(x, 16, generator=torch.Generator().manual_seed(0))
    noise = torch.rand(x.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    density = torch.distributions.Normal(0.0, 1.0).log_prob((x + noise) / 16).flatten(1).mean(1)
    torch.testing.assert_close(bits, -density / math.log(2) + 4)


def test_training_finds_a_density() -> None:
    torch.manual_seed(0)
    made = IUNetFlow((1, 4, 4), levels=2, couplings=2)
    basis = torch.randn(16, 16) / 4

    def images(count: int) -> Tensor:
        return (torch.randn(count, 16) @ basis).reshape(count, 1, 4, 4)

    optimizer = torch.optim.Adam(made.parameters(), lr=1e-2)
    before = -made.log_prob(images(500)).mean()
    for _ in range(150):
        optimizer.zero_grad()
        loss = -made.log_prob(images(64)).mean()
        loss.backward()
        optimizer.step()
    exact = torch.distributions.MultivariateNormal(torch.zeros(16), basis.T @ basis)
    best = -exact.log_prob(images(5000).flatten(1)).mean()
    after = -made.log_prob(images(500)).mean().detach()
    assert after < 0.6 * before.detach() + 0.4 * best, (before, after, best)


def test_what_a_flow_cannot_take_is_told() -> None:
    made = IUNetFlow((1, 8, 8))
    with pytest.raises(ValueError, match=r"expected images of shape \(1, 8, 8\), got \(1, 8, 4\)"):
        made.log_prob(torch.zeros(1, 1, 8, 4))
    with pytest.raises(ValueError, match="expected finite numbers"):
        made.log_prob(torch.full((1, 1, 8, 8), math.nan))
    with pytest.raises(ValueError, match="expected whole numbers from 0 to 15, got values from 0 to 16"):
        made.bits_per_dim(torch.arange(64.0).clamp(max=16).reshape(1, 1, 8, 8), 16)
    with pytest.raises(ValueError, match="expected 1 to 3 spatial axes of multiples of 4 for 2 levels"):
        IUNetFlow((1, 8, 6))
    with pytest.warns(UserWarning, match="was not trained"):
        IUNetFlow((1, 8, 8)).sample(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.log_prob(torch.randn(2, 1, 8, 8))
        made.sample(1)
