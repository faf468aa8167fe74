"""Stops a training whose loss or weights are no finite numbers, before anything of it is written."""

from collections.abc import Mapping
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from monai.utils import ensure_tuple
from torch import Tensor


class StopUnlessFinite:
    """Raises FloatingPointError after a step whose loss, or whose new weights, are not finite.

    It comes before the epoch's end, at which models and states are written. Of several processes that train together
    all stop at the same step and name the same cases. A step that a gradient scaler skips, as its scaled gradients
    overflow, has a finite loss and leaves the weights as they are: it is none of these.

    Args:
        network: the one that trains.
    """

    def __init__(self, network: torch.nn.Module) -> None:
        self.network = network

    def attach(self, engine: Engine) -> None:
        """Add the handler to a trainer."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Check the step that was just done."""
        output = engine.state.output[0] if isinstance(engine.state.output, list) else engine.state.output
        finite_loss = bool(torch.as_tensor(output["loss"]).isfinite().all())
        if not idist.all_reduce(int(not (finite_loss and _is_finite(self.network))), op="MAX"):
            return
        cases = _names(engine.state.batch)
        shares = idist.all_gather((cases, finite_loss))  # as an object: ignite breaks bare texts that are not ASCII
        of_loss = [names for names, finite in shares if not finite]
        what, told = ("loss is", of_loss) if of_loss else ("weights are", [names for names, _ in shares])
        raise FloatingPointError(
            f"After step {engine.state.iteration} (epoch {engine.state.epoch}) the {what} not finite; the cases of "
            f"this step: {', '.join(told)}. Nothing of this epoch was written. Look at these cases' images; if they "
            "are right, lower --learning_rate, or switch mixed precision off by --amp False; then start again, or go "
            "on from the last epoch by --resume True."
        )


def _is_finite(network: torch.nn.Module) -> bool:
    """Return True if all that a model's file holds is finite; one transfer from the device for all of it."""
    finite = [tensor.isfinite().all() for tensor in network.state_dict().values() if isinstance(tensor, Tensor)]
    return bool(torch.stack(finite).all()) if finite else True


def _names(batch: Any) -> str:
    """The names of a batch's cases, each once; MONAI's trainer takes a batch apart into its items."""
    items = [batch] if isinstance(batch, Mapping) else batch
    names = [name for item in items for name in ensure_tuple(item.get("case", "without a name"))]
    return ", ".join(dict.fromkeys(names))
