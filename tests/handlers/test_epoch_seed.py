import random

import numpy as np
import torch
from ignite.engine import Engine
from monai.transforms import Compose, RandGaussianNoise
from monai.utils import set_determinism

from iunet_med.handlers import EpochSeed


def draws(seed: int, epochs: int, *, from_epoch: int = 0) -> list[tuple[float, ...]]:
    transform = Compose([RandGaussianNoise(prob=1.0)])

    def step(_engine: Engine, _batch: object) -> None:
        noise = transform(torch.zeros(1, 1)).item()
        drawn.append((random.random(), np.random.rand(), torch.rand(1).item(), noise))  # noqa: NPY002

    drawn: list[tuple[float, ...]] = []
    trainer = Engine(step)
    trainer.state.max_epochs, trainer.state.epoch, trainer.state.epoch_length = epochs, from_epoch, 2
    EpochSeed(seed, transform).attach(trainer)
    trainer.run(range(2), max_epochs=epochs, epoch_length=2)
    return drawn


def test_an_epoch_draws_the_same_whatever_came_before() -> None:
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    whole = draws(0, 4)
    assert len({value for step in whole for value in step}) == 4 * 8
    assert draws(0, 4, from_epoch=2) == whole[4:]
    assert draws(1, 4)[0] != whole[0]
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    torch.set_rng_state(states[2])
    set_determinism(seed=None)
