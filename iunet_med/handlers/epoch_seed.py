"""Seeds every epoch by its number, so that a resumed run draws what the unbroken one would have drawn."""

import random

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.transforms import Randomizable


class EpochSeed:
    """Sets the random generators of Python, numpy, torch and the transforms when an epoch starts.

    Args:
        seed: of the run; processes that train together take different ones.
        transform: its random transforms, and with them those of the data loader's workers, are seeded too.
    """

    def __init__(self, seed: int, transform: Randomizable) -> None:
        self.seed = seed
        self.transform = transform

    def attach(self, engine: Engine) -> None:
        """Add the handler to a trainer, after one that restores its position."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Seed."""
        seed = int(np.random.SeedSequence([self.seed, engine.state.epoch]).generate_state(1)[0])
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002  (the generator that other libraries draw from)
        torch.manual_seed(seed)
        self.transform.set_random_state(seed)
