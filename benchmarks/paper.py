"""Memory of the paper's own benchmark network: 64 x 512 x 512, levels of 64 to 1024 channels, one 3 x 3 convolution.

Source of the published figures: Etmann, Ke and Schönlieb 2020, https://arxiv.org/abs/2005.05220, table 1 (in GB).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch

from benchmarks.tables import markdown, mib
from iunet_med import InvertibleUNet
from iunet_med.memory import mean_square, predict_step_memory

CHANNELS = (64, 128, 256, 512, 1024)
SIZE = (512, 512)
DEPTHS = (5, 10, 20, 30)
LIMITS = {5: 640, 10: 880, 20: 1360, 30: 1840}
PUBLISHED = {5: (850, 3170), 10: (1090, 5900), 20: (1570, 11360), 30: (2060, 16820)}
COLUMNS = (
    "couplings per level and branch",
    "reversible, MiB",
    "limit",
    "paper",
    "rest / state",
    "limit",
    "with sum as loss, MiB",
    "rest / state",
    "stored, MiB",
    "paper",
    "weights and gradients, MiB",
)


def rows(
    depths: Sequence[int] = DEPTHS, channels: Sequence[int] = CHANNELS, size: Sequence[int] = SIZE
) -> Iterator[tuple[object, ...]]:
    """Yield one row per depth."""
    for depth in depths:
        build = partial(InvertibleUNet, len(size), channels, couplings=depth)
        shape = (1, channels[0], *size)
        ours = predict_step_memory(build, shape, loss=mean_square)
        plain = predict_step_memory(build, shape, loss=torch.sum)
        stored = predict_step_memory(partial(build, backprop="stored"), shape, loss=mean_square)
        paper = PUBLISHED.get(depth, ("-", "-"))
        yield (
            depth,
            mib(ours.peak),
            LIMITS.get(depth, "-"),
            paper[0],
            f"{ours.rest / ours.image:.2f}",
            "5.20",
            mib(plain.peak),
            f"{plain.rest / plain.image:.2f}",
            mib(stored.peak),
            paper[1],
            mib(ours.weights + ours.gradients),
        )


def table(*, quick: bool = False) -> str:
    """Return the table in Markdown; `quick` leaves out the deep networks."""
    return (
        "Peak of all live tensors, one forward and backward pass, float32, batch 1, no optimiser; counted exactly on "
        "fake tensors. The state is 64 MiB, the rest is the peak without weights, their gradients and the input. The "
        "loss is the mean square, whose gradient is as large as the state; a sum has one of four bytes.\n\n"
        + markdown(COLUMNS, rows(DEPTHS[:2] if quick else DEPTHS))
    )
