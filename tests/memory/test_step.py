from dataclasses import asdict
from functools import partial

import pytest
import torch
from torch import nn

from iunet_med import InvertibleUNet
from iunet_med.memory import LiveBytes, count_step_memory, predict_step_memory


def test_live_bytes_counts_what_is_made_and_forgets_what_is_freed() -> None:
    before = torch.zeros(100)
    with LiveBytes() as live:
        a = torch.zeros(10)
        assert (live.now, live.peak) == (40, 40)
        b = before + 1
        assert (live.now, live.peak) == (440, 440)
        del b
        assert (live.now, live.peak) == (40, 440)
        double = a.double()
        assert live.now == a.nbytes + double.nbytes == 120
    del a
    assert live.now == 80


def test_views_and_operations_in_place_make_no_memory() -> None:
    with LiveBytes() as live:
        a = torch.zeros(4, 6)
        view = a.T[1:].reshape(5, 2, 2).detach()
        a.add_(1)
        assert live.now == 96
        del a
        assert live.now == 96
        del view
        assert live.now == 0


def test_a_storage_that_is_emptied_counts_no_more() -> None:
    with LiveBytes() as live:
        a = torch.zeros(10)
        a.untyped_storage().resize_(0)
        assert live.now == 0


def test_memory_of_a_step_that_can_be_counted_by_hand() -> None:
    memory = count_step_memory(nn.Linear(5, 3, bias=False), torch.zeros(1, 5), loss=torch.sum)
    assert (memory.weights, memory.gradients, memory.image) == (60, 60, 20)
    assert memory.rest == 4 + 4  # the sum and its gradient; the output is gone by then


@pytest.mark.parametrize("backprop", ["reversible", "stored"])
@pytest.mark.parametrize(("autocast", "tolerance"), [(None, 0), (torch.bfloat16, 0.01)])
def test_the_prediction_is_what_a_real_step_takes(
    backprop: str, autocast: torch.dtype | None, tolerance: float
) -> None:
    build = partial(InvertibleUNet, 2, (4, 8, 16), backprop=backprop)
    real = count_step_memory(build(), torch.randn(1, 4, 32, 48), autocast=autocast)
    predicted = predict_step_memory(build, (1, 4, 32, 48), autocast=autocast)
    assert asdict(predicted) == pytest.approx(asdict(real), rel=tolerance, abs=0)


def test_counting_twice_counts_the_same() -> None:
    network, image = InvertibleUNet(2, (4, 8)), torch.randn(1, 4, 8, 8)
    assert count_step_memory(network, image) == count_step_memory(network, image)
