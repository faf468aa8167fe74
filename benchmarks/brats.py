"""Memory of one training step on a whole brain, 4 x 160 x 192 x 128, beside what a user would pick instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch

from benchmarks.architectures import Build, contenders
from benchmarks.tables import gib, markdown
from iunet_med.memory import predict_step_memory

SHAPE = (1, 4, 160, 192, 128)
LIMITS = {"IUNet-64, reversible": "5.30"}
COLUMNS = ("network", "float32, GiB", "limit", "bf16 autocast, GiB", "parameters, million")


def rows(networks: Mapping[str, Build], shape: Sequence[int] = SHAPE) -> Iterator[tuple[object, ...]]:
    """Yield one row per network."""
    for name, build in networks.items():
        full = predict_step_memory(build, shape)
        mixed = predict_step_memory(build, shape, autocast=torch.bfloat16)
        parameters = f"{full.gradients / 4e6:.1f}"
        yield name, gib(full.peak), LIMITS.get(name, "-"), gib(mixed.peak), parameters


def table(*, quick: bool = False) -> str:
    """Return the table in Markdown; `quick` leaves out the largest networks."""
    networks = {name: build for name, build in contenders().items() if not quick or "-64" not in name}
    return (
        "Peak of all live tensors, one forward and backward pass, batch 1, no optimiser, mean square as the loss; "
        "counted exactly on fake tensors.\n\n" + markdown(COLUMNS, rows(networks))
    )
