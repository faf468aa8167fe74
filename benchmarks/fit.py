"""The largest cube and the largest number of channels that can be trained on a card of a given size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial

from torch import nn

from benchmarks.architectures import Build, iunet, seg_res_net
from benchmarks.tables import GIB, markdown
from iunet_med.memory import StepMemory, predict_step_memory

CARDS = (8, 16, 24, 80)
CUBE_STEP = 16
CHANNEL_STEP = 8
BRAIN = (160, 192, 128)
COLUMNS = ("network", *(f"{card} GiB" for card in CARDS))
OPTIMISER_STATES = 2
NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "IUNet, reversible": iunet,
    "IUNet, stored": partial(iunet, backprop="stored"),
    "SegResNet": seg_res_net,
}


def needed(build: Build, shape: Sequence[int]) -> int:
    """Return the bytes of a training step, with the two moments that Adam keeps of each weight."""
    step: StepMemory = predict_step_memory(build, shape, device_type="cuda")
    return step.peak + OPTIMISER_STATES * step.gradients


def largest(need: Callable[[int], int], budget: int, step: int) -> int:
    """Return the largest multiple of `step` whose need, which grows with it, is within the budget.

    One step is taken to fit: it may be too small for the networks.
    """
    low, high = 1, 2
    while need(high * step) <= budget:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if need(middle * step) <= budget else (low, middle)
    return low * step


def cubes(networks: Mapping[str, Build], budgets: Sequence[int]) -> Iterator[tuple[object, ...]]:
    """Yield a row of cube sides in voxels per network."""
    for name, build in networks.items():
        need = cache(lambda side, build=build: needed(build, (1, 4, side, side, side)))
        yield name, *(largest(need, budget, CUBE_STEP) for budget in budgets)


def channels(
    networks: Mapping[str, Callable[[int], nn.Module]], budgets: Sequence[int], size: Sequence[int] = BRAIN
) -> Iterator[tuple[object, ...]]:
    """Yield a row of channels of the first level per network."""
    for name, build in networks.items():
        need = cache(lambda count, build=build: needed(partial(build, count), (1, 4, *size)))
        yield name, *(largest(need, budget, CHANNEL_STEP) for budget in budgets)


def table(*, quick: bool = False) -> str:
    """Return both tables in Markdown; `quick` takes the two smaller cards."""
    cards = CARDS[:2] if quick else CARDS
    columns, budgets = COLUMNS[: len(cards) + 1], [card * GIB for card in cards]
    sized: dict[str, Build] = {f"{name}, 32 channels": partial(build, 32) for name, build in NETWORKS.items()}
    return (
        "Tensors of one training step with Adam's two moments, float32, batch 1, predicted for CUDA on fake "
        "tensors; what the driver takes and what the allocator reserves beyond the tensors comes on top.\n\n"
        f"Side of the largest cube of four modalities, in steps of {CUBE_STEP} voxels:\n\n"
        + markdown(columns, cubes(sized, budgets))
        + f"\n\nChannels of the first level at 4 x 160 x 192 x 128, in steps of {CHANNEL_STEP}:\n\n"
        + markdown(columns, channels(NETWORKS, budgets))
    )
