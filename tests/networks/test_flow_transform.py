"""As a transform the flow gives the same densities, and composes with other flows."""

import pytest
import torch
from torch.distributions import Independent, Normal, TransformedDistribution

from iunet_med.networks import ImageTransform, IUNetFlow


def trained() -> IUNetFlow:
    torch.manual_seed(0)
    flow = IUNetFlow((1, 8, 8), levels=2, couplings=2).double()
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    flow.log_prob(torch.rand(4, 1, 8, 8, dtype=torch.float64))
    return flow


def test_densities_samples_and_gradients_are_the_flow_s() -> None:
    flow = trained()
    base = Independent(Normal(torch.zeros(4, 4, 4, dtype=torch.float64), 1.0), 3)
    density = TransformedDistribution(base, [ImageTransform(flow).inv])
    x = torch.rand(3, 1, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(density.log_prob(x), flow.log_prob(x))
    assert density.sample((5,)).shape == (5, 1, 8, 8)
    (density.log_prob(x).sum()).backward()
    ours = [parameter.grad.clone() for parameter in flow.parameters() if parameter.grad is not None]
    flow.zero_grad()
    flow.log_prob(x).sum().backward()
    theirs = [parameter.grad for parameter in flow.parameters() if parameter.grad is not None]
    assert len(ours) == len(theirs) > 0
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


def test_it_is_a_transform_of_zuko_s_flows() -> None:
    zuko = pytest.importorskip("zuko", reason="zuko is no part of the project")
    flow = trained()
    base = Independent(Normal(torch.zeros(4, 4, 4, dtype=torch.float64), 1.0), 3)
    density = zuko.distributions.NormalizingFlow(ImageTransform(flow), base)
    x = torch.rand(3, 1, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(density.log_prob(x), flow.log_prob(x))
