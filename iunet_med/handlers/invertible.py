"""Stops the training of a flow whose images no longer come back from their codes."""

import logging

from ignite.engine import Engine, Events
from torch import Tensor

from iunet_med.networks import IUNetFlow

logger = logging.getLogger(__name__)


class StopUnlessInvertible:
    """Raises FloatingPointError after an epoch when rounding has made a flow a bijection no more.

    Affine couplings cannot be undone to the last bit, and what rounding does to an image grows with depth and with the
    scales that are learned. Reversible training rebuilds activations in this way, so its gradients drift alike.

    Args:
        flow: the one that trains.
        images: (B, C, *spatial), what it is tried on, with values as in training.
        bound: the largest difference that is allowed.
    """

    def __init__(self, flow: IUNetFlow, images: Tensor, *, bound: float = 0.01) -> None:
        self.flow = flow
        self.images = images
        self.bound = bound

    def attach(self, engine: Engine) -> None:
        """Add the handler to a trainer."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Map the images to codes and back."""
        weight = self.flow.norm.shift
        error = self.flow.reconstruction_error(self.images.to(weight))
        logger.info("Epoch[%d] images come back with an error of %.1e at most", engine.state.epoch, error)
        if not error <= self.bound:  # NaN, too
            raise FloatingPointError(
                f"After epoch {engine.state.epoch} images come back from their codes with an error of up to "
                f"{error:.1e}; expected {self.bound:g} or less. Rounding has grown with the scales of the couplings, "
                "and reversible gradients drift with it. Lower --learning_rate, take fewer --couplings, or train by "
                "--backprop stored."
            )
