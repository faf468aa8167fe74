"""Memory of one training step on a whole brain, 4 x 160 x 192 x 128, beside what a user would pick instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch

from benchmarks.architectures import Build, contenders
from benchmarks.tables import gib, markdown
from iunet_med.memory import predict_step_memory

SHAPE = (1, 4, 160, 192, 128)
LIMITS = {"IUNet-64, reversible": "5.30"}
MEASURED = {
    "SegResNet-16": (4.38, 4.83),
    "SegResNet-16, blocks checkpointed": (2.87, 2.51),
    "SegResNet-32": (8.56, 9.55),
    "SegResNet-32, blocks checkpointed": (5.65, 4.90),
    "DynUNet": (8.29, 4.30),
    "DynUNet, blocks checkpointed": (5.65, 2.92),
    "BasicUNet": (8.23, 4.30),
    "BasicUNet, blocks checkpointed": (6.39, 3.27),
    "UNet 32..512": (1.57, 1.09),
}
"""GiB in float32 and bf16 by `torch.cuda.max_memory_allocated` on an H200, torch 2.11, in November 2026."""
COLUMNS = (
    *("network", "CPU, float32, GiB", "limit", "CUDA, float32, GiB", "measured", "CUDA, bf16 autocast, GiB"),
    *("measured", "parameters, million"),
)


def rows(networks: Mapping[str, Build], shape: Sequence[int] = SHAPE) -> Iterator[tuple[object, ...]]:
    """Yield one row per network."""
    for name, build in networks.items():
        full = predict_step_memory(build, shape)
        on_cuda = predict_step_memory(build, shape, device_type="cuda")
        mixed = predict_step_memory(build, shape, autocast=torch.bfloat16, device_type="cuda")
        measured = [f"{size:.2f}" for size in MEASURED.get(name, ())] or ["-", "-"]
        cuda = (gib(on_cuda.peak), measured[0], gib(mixed.peak), measured[1])
        yield name, gib(full.peak), LIMITS.get(name, "-"), *cuda, f"{full.gradients / 4e6:.1f}"


def table(*, quick: bool = False) -> str:
    """Return the table in Markdown; `quick` leaves out the largest networks."""
    networks = {name: build for name, build in contenders().items() if not quick or "-64" not in name}
    return (
        "Peak of all live tensors, one forward and backward pass, batch 1, no optimiser, mean square as the loss; "
        "counted on fake tensors: on a CPU exactly, for CUDA by its rules of autocast, our kernels and the copies that "
        "cuDNN's convolutions make. Measured: `torch.cuda.max_memory_allocated` on an H200, torch 2.11, 2026-11-26.\n\n"
        + markdown(COLUMNS, rows(networks))
    )
