"""Predicted beside measured memory, and reversible over stored time, on a GPU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import nn

from benchmarks.architectures import Build, contenders
from benchmarks.tables import gib, markdown
from benchmarks.timing import in_turns, seconds, training_step
from iunet_med.memory import predict_step_memory

SHAPE = (1, 4, 160, 192, 128)
TYPES: dict[str, torch.dtype | None] = {"float32": None, "bf16 autocast": torch.bfloat16}
FORMATS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last_3d}
COLUMNS = ("network", "type", "layout", "predicted, GiB", "measured, GiB", "seconds, median (quartiles)")


def table(*, quick: bool = False) -> str:
    """Return the table in Markdown, or a line that says that there is no GPU."""
    if not torch.cuda.is_available():
        return "Open: no GPU here."
    shape = (1, 4, 64, 64, 64) if quick else SHAPE
    return (
        f"One forward and backward pass on {' x '.join(map(str, shape[1:]))}, mean square as the loss; measured is "
        "`torch.cuda.max_memory_allocated`.\n\n" + markdown(COLUMNS, rows(contenders(), shape, 3 if quick else 11))
    )


def rows(networks: Mapping[str, Build], shape: Sequence[int], rounds: int) -> Iterator[tuple[object, ...]]:
    """Yield one row per network, type and memory layout; networks that do not fit are named as such."""
    for name, build in networks.items():
        for type_name, autocast in TYPES.items():
            predicted = gib(predict_step_memory(build, shape, autocast=autocast, device_type="cuda").peak)
            for layout, memory_format in FORMATS.items():
                try:
                    measured = measure(build, shape, autocast, memory_format, rounds)
                except torch.cuda.OutOfMemoryError:
                    measured = ("does not fit", "-")
                yield name, type_name, layout, predicted, *measured


def measure(
    build: Build, shape: Sequence[int], autocast: torch.dtype | None, memory_format: torch.memory_format, rounds: int
) -> tuple[str, str]:
    """Return the peak that CUDA's allocator saw and the time of a step."""
    torch.cuda.empty_cache()
    network: nn.Module = build().to("cuda")
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.ndim == 5:  # what `network.to` does, but it refuses buffers of four axes
            tensor.data = tensor.data.contiguous(memory_format=memory_format)
    image = torch.randn(*shape, device="cuda").to(memory_format=memory_format)
    step = training_step(network, image, autocast=autocast)
    step()
    torch.cuda.reset_peak_memory_stats()
    times = in_turns({"step": step}, rounds)["step"]
    return gib(torch.cuda.max_memory_allocated()), seconds(times)
