"""Averages a network's output over mirrored copies of its input."""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from monai.inferers import Inferer
from torch import Tensor


class FlipInferer(Inferer):  # type: ignore[misc]
    """The mean of another inferer's outputs (logits) over all combinations of flips, each flipped back.

    Three axes take eight runs, and one output more of memory. Without axes it is the other inferer.

    Args:
        inferer: does each run, such as a `monai.inferers.SlidingWindowInferer`.
        axes: spatial axes to flip, 0 is the first one after batch and channels.

    Raises:
        ValueError: an axis is negative or comes twice.
    """

    def __init__(self, inferer: Inferer, *, axes: Sequence[int] = (0, 1, 2)) -> None:
        if len(set(axes)) < len(axes) or any(axis < 0 for axis in axes):
            raise ValueError(f"expected spatial axes from 0 on, each once, such as (0, 1, 2), got {tuple(axes)}.")
        self.inferer = inferer
        self.flips = [tuple(a + 2 for a in some) for n in range(len(axes) + 1) for some in combinations(axes, n)]

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Inputs (B, C, D, H, W) -> the mean output on the same grid."""
        total: Tensor = self.inferer(inputs, network, *args, **kwargs)
        for dims in self.flips[1:]:
            total = total + self.inferer(inputs.flip(dims), network, *args, **kwargs).flip(dims)
        return total / len(self.flips)
