"""The average follows its closed form, and leaves the training alone."""

import copy
import math

import pytest
import torch
from ignite.engine import Engine

from iunet_med import IUNet
from iunet_med.handlers import AverageWeights, WeightAverage


def train(network: torch.nn.Module, average: WeightAverage, steps: int) -> list[torch.Tensor]:
    """Step by Adam and return the first weight after each step."""
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    weight, path = next(network.parameters()), []

    def step(_engine: Engine, _batch: int) -> None:
        optimizer.zero_grad()
        sum(p.pow(2).sum() for p in network.parameters()).backward()
        optimizer.step()
        path.append(weight.detach().clone())

    trainer = Engine(step)
    AverageWeights(average).attach(trainer)
    trainer.run(range(steps))
    return path


@pytest.mark.parametrize(("decay", "steps"), [(0.5, 30), (0.999, 30)])
def test_the_average_is_its_closed_form(decay: float, steps: int) -> None:
    network = torch.nn.Linear(3, 2).double()
    average = WeightAverage(network, decay=decay)
    path = train(network, average, steps)
    decays = [0.0] + [min(decay, (1 + n) / (10 + n)) for n in range(1, steps)]
    shares = [(1 - d) * math.prod(decays[i + 1 :]) for i, d in enumerate(decays)]
    expected = sum(share * weight for share, weight in zip(shares, path, strict=True))
    torch.testing.assert_close(next(average.network.parameters()), expected)


def test_the_average_looks_back_over_a_tenth_of_the_updates() -> None:
    """Weights that grow by one per step lag by the mean age of what is averaged, (n - 1) / 10 after n steps."""
    network = torch.nn.Linear(1, 1, bias=False).double()
    average = WeightAverage(network, decay=0.999)
    for step in range(1, 1001):
        torch.nn.init.constant_(network.weight, step)
        average.update()
    lag = 1000 - next(average.network.parameters()).item()
    assert lag == pytest.approx(1000 / 10, rel=0.02)


def test_training_is_the_same_with_and_without_an_average() -> None:
    first = torch.nn.Linear(3, 2)
    second = copy.deepcopy(first)
    off, on = WeightAverage(first, decay=0), WeightAverage(second, decay=0.9)
    torch.testing.assert_close(train(first, off, 5), train(second, on, 5), rtol=0, atol=0)
    assert off.network is first
    assert off.state_dict() == {}
    assert not torch.equal(on.network.weight, second.weight)


@pytest.mark.parametrize(("norm", "backprop"), [("instance", "reversible"), ("batch", "stored")])
def test_the_averaged_network_is_one_of_its_own_weights_and_the_others_buffers(norm: str, backprop: str) -> None:
    """Also where the networks have computed their rotations for an evaluation, which buffers keep."""
    network, x = IUNet(2, 1, 1, (4, 8), couplings=1, norm=norm, backprop=backprop), torch.randn(2, 1, 8, 8)
    average = WeightAverage(network, decay=0.9)
    for _ in range(2):
        for each in (network.train(), average.network.train()):
            each(x)
        train(network, average, 3)
        for each in (network.eval(), average.network.eval()):
            with torch.no_grad():
                each(x)
    fresh = IUNet(2, 1, 1, (4, 8), couplings=1, norm=norm, backprop=backprop).eval()
    fresh.load_state_dict(average.network.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(average.network(x), fresh(x), rtol=0, atol=0)
        assert not torch.equal(average.network(x), network(x))
    kept = dict(average.network.named_buffers())
    assert all(torch.equal(buffer, kept[name]) for name, buffer in network.named_buffers() if "cached" not in name)


def test_an_average_goes_on_from_its_state() -> None:
    network = torch.nn.Linear(3, 2).double()
    whole = WeightAverage(network, decay=0.9)
    train(network, whole, 3)
    resumed = WeightAverage(network, decay=0.9)
    resumed.load_state_dict(whole.state_dict())
    torch.nn.init.zeros_(network.weight)
    for each in (whole, resumed):
        each.update()
    torch.testing.assert_close(whole.state_dict(), resumed.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_an_impossible_decay_is_refused(decay: float) -> None:
    with pytest.raises(ValueError, match=rf"decay={decay}: expected a number from 0 \(no average\) to below 1"):
        WeightAverage(torch.nn.Linear(1, 1), decay=decay)
