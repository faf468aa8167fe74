"""A flow whose images no longer come back from their codes stops its training, with the error and the cure."""

import logging

import pytest
import torch
from ignite.engine import Engine

from iunet_med.handlers import StopUnlessInvertible
from iunet_med.networks import IUNetFlow


def train(flow: IUNetFlow, images: torch.Tensor, bound: float) -> None:
    trainer = Engine(lambda _engine, _batch: None)
    StopUnlessInvertible(flow, images, bound=bound).attach(trainer)
    trainer.run([0], max_epochs=2)


def test_rounding_below_the_bound_is_told_and_above_it_stops(caplog: pytest.LogCaptureFixture) -> None:
    torch.manual_seed(0)
    flow, images = IUNetFlow((1, 8, 8), couplings=8), torch.rand(4, 1, 8, 8)
    for parameter in flow.unet.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    flow.log_prob(images)  # sets the normalisation
    error = flow.reconstruction_error(images)
    assert 0 < error < 0.1
    with caplog.at_level(logging.INFO):
        train(flow, images, bound=1.1 * error)
    assert f"Epoch[2] images come back with an error of {error:.1e}" in caplog.text
    with pytest.raises(FloatingPointError, match=r"After epoch 1 .* expected .* or less.* --backprop stored"):
        train(flow, images, bound=0.9 * error)


def test_images_that_come_back_as_no_numbers_stop_the_training() -> None:
    flow, images = IUNetFlow((1, 8, 8)), torch.rand(4, 1, 8, 8)
    flow.log_prob(images)
    torch.nn.init.constant_(flow.norm.log_scale, float("inf"))
    with pytest.raises(FloatingPointError, match="an error of up to nan"):
        train(flow, images, bound=1.0)
