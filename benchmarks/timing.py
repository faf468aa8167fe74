"""Times of training steps, taken in turns so that a busy machine slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median, quantiles

import torch
from torch import Tensor, nn

from iunet_med.memory import mean_square

Times = dict[str, list[float]]


def training_step(network: nn.Module, image: Tensor, *, autocast: torch.dtype | None = None) -> Callable[[], None]:
    """Return a function that runs one forward and backward pass of `network` on a copy of `image`."""

    def step() -> None:
        network.zero_grad(set_to_none=True)
        with torch.autocast(image.device.type, autocast or torch.bfloat16, enabled=autocast is not None):
            value = mean_square(network(image.clone()))
        value.backward()
        if image.is_cuda:
            torch.cuda.synchronize()

    return step


def in_turns(steps: Mapping[str, Callable[[], None]], rounds: int) -> Times:
    """Run every step once to warm up, then `rounds` times in turns; return seconds per step."""
    for step in steps.values():
        step()
    times: Times = {name: [] for name in steps}
    for number in range(rounds):
        names = list(steps)
        for name in names if number % 2 == 0 else reversed(names):
            start = time.perf_counter()
            steps[name]()
            times[name].append(time.perf_counter() - start)
    return times


def seconds(times: list[float]) -> str:
    """Return the median and the quartiles of at least two times."""
    low, _, high = quantiles(times, n=4, method="inclusive")
    return f"{median(times):.3g} ({low:.3g} to {high:.3g})"


def ratio(numerator: list[float], denominator: list[float]) -> str:
    """Return median and quartiles of the ratio round by round, in which a change of the machine's pace cancels."""
    low, middle, high = quantiles([a / b for a, b in zip(numerator, denominator, strict=True)], n=4, method="inclusive")
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"
