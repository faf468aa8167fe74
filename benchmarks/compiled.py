"""Eager and compiled training: reversible over stored, in float32 and bfloat16, and beside other networks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.architectures import contenders
from benchmarks.tables import gib, markdown
from benchmarks.timing import Times, in_turns, ratio, seconds, training_step
from iunet_med import IUNet
from iunet_med.memory import count_step_memory

MODES: dict[str, dict[str, Any]] = {
    "stored": {"backprop": "stored"},
    "reversible": {},
    "reversible, fixed16": {"state": "fixed16"},
}
TYPES = {"float32": None, "bfloat16": torch.bfloat16}
GRAPHS = {"eager": False, "compiled": True}
COLUMNS = (
    "type",
    "graphs",
    "mode",
    "seconds, median (quartiles)",
    "over stored (quartiles)",
    "peak, GiB",
    "gradient off float32, stored",
    "graphs compiled, first step",
    "later",
)


PEERS = (
    "IUNet-16, reversible",
    "IUNet-16, stored",
    "IUNet-32, reversible",
    "SegResNet-16",
    "SegResNet-32",
    "DynUNet",
    "BasicUNet",
    "UNet 32..512",
    "SegResNetDS-32",
    "MedNeXt-S",
    "ResEnc L of nnU-Net",
)
PEER_COLUMNS = (
    "network",
    "million parameters",
    "eager, seconds",
    "compiled, seconds",
    "first compiled step, seconds",
    "eager, peak GiB",
    "compiled, peak GiB",
)


def table(*, quick: bool = False) -> str:
    """Return the table in Markdown: IUNet-32 at 128^3 on a GPU, or IUNet-16 at 64^3 on a CPU."""
    on_gpu = torch.cuda.is_available()
    width, side = (32, 128) if on_gpu else (16, 64)
    if quick:
        width, side = 4, 48
    text = (
        f"IUNet-{width}, 4 x {side}^3, two couplings per level and branch, one forward and backward pass on "
        f"{torch.cuda.get_device_name() if on_gpu else 'the CPU'}, mean square as the loss, the modes of a type in "
        "turns. The peak is what CUDA's allocator saw; on a CPU it is counted, of uncompiled networks alone.\n\n"
    )
    first = markdown(COLUMNS, rows(width, (side,) * 3, 3 if quick else 11))
    names = PEERS[:2] if quick else [name for name in PEERS if name in contenders()]
    other = markdown(PEER_COLUMNS, peer_rows(names, (side,) * 3, 3 if quick else 5))
    return (
        f"{text}{first}\n\nBeside other networks that store their activations, 4 x {side}^3, "
        f"{'bfloat16' if on_gpu else 'float32'}; the first compiled step includes compiling:\n\n{other}"
    )


def rows(width: int, size: Sequence[int], rounds: int) -> Iterator[tuple[object, ...]]:
    """Yield one row per type, eager or compiled, and mode."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    image = torch.randn(1, 4, *size, generator=torch.Generator().manual_seed(0)).to(device)
    stored = build(width, MODES["stored"], device)
    training_step(stored, image)()
    exact = _gradients(stored)
    del stored
    for type_name, autocast in TYPES.items():
        for graphs, compiled in GRAPHS.items():
            times, facts = _measured(width, image, autocast, rounds, compiled=compiled)
            for mode, figures in facts.items():
                taken = times[mode]
                label = (type_name, graphs, mode)
                off = f"{_distance(figures[1], exact):.1e}"
                yield *label, seconds(taken), ratio(taken, times["stored"]), figures[0], off, *figures[2:]


def build(width: int, mode: dict[str, Any], device: str) -> nn.Module:
    """Return the network in training mode, with the same weights whatever the mode."""
    torch.manual_seed(0)
    return IUNet(3, 4, 3, [width * 2**level for level in range(5)], couplings=2, **mode).to(device)


def _measured(
    width: int, image: Tensor, autocast: torch.dtype | None, rounds: int, *, compiled: bool
) -> tuple[Times, dict[str, tuple[Any, ...]]]:
    steps: dict[str, Callable[[], None]] = {}
    facts: dict[str, tuple[Any, ...]] = {}
    for name, mode in MODES.items():
        before = torch.cuda.memory_allocated() if image.is_cuda else 0
        network = build(width, mode, image.device.type)
        if compiled:
            network.compile()
        step = training_step(network, image, autocast=autocast)
        first, later = _graphs(step), _graphs(lambda step=step: [step() for _ in range(3)])
        network.zero_grad(set_to_none=True)
        if image.is_cuda:
            torch.cuda.reset_peak_memory_stats()
        step()
        if image.is_cuda:
            peak = gib(torch.cuda.max_memory_allocated() - before)
        else:
            peak = "-" if compiled else gib(count_step_memory(network, image, autocast=autocast).peak)
        facts[name] = (peak, _gradients(network), first, later)
        steps[name] = step
    return in_turns(steps, rounds), facts


def peer_rows(names: Sequence[str], size: Sequence[int], rounds: int) -> Iterator[tuple[object, ...]]:
    """Yield a row per network: an eager and a compiled step in turns, and what they hold at most."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    autocast = torch.bfloat16 if device == "cuda" else None
    image = torch.randn(1, 4, *size, generator=torch.Generator().manual_seed(0)).to(device)
    for name in names:
        torch.manual_seed(0)
        network = contenders()[name]().to(device)
        parameters = sum(parameter.numel() for parameter in network.parameters()) / 1e6
        eager = training_step(network, image, autocast=autocast)
        eager()
        held = [_held(network, image, eager)]
        times = in_turns({"eager": eager}, rounds)["eager"]
        network.compile()
        compiled = training_step(network, image, autocast=autocast)
        start = time.perf_counter()
        compiled()
        first = time.perf_counter() - start
        held.append(_held(network, image, compiled) if device == "cuda" else "-")
        later = in_turns({"compiled": compiled}, rounds)["compiled"]
        yield name, f"{parameters:.1f}", seconds(times), seconds(later), f"{first:.0f}", *held


def _held(network: nn.Module, image: Tensor, step: Callable[[], None]) -> str:
    """Return the peak of a step: CUDA's, or the counted one of an eager step on a CPU."""
    if not image.is_cuda:
        return gib(count_step_memory(network, image).peak)
    network.zero_grad(set_to_none=True)
    torch.cuda.reset_peak_memory_stats()
    step()
    return gib(torch.cuda.max_memory_allocated())


def _gradients(network: nn.Module) -> list[Tensor]:
    return [parameter.grad.double().cpu() for parameter in network.parameters() if parameter.grad is not None]


def _graphs(run: Callable[[], object]) -> int:
    """Return how many graphs torch compiles in a call."""
    counters = torch._dynamo.utils.counters["stats"]  # torch has no public count
    before = counters["unique_graphs"]
    run()
    return int(counters["unique_graphs"] - before)


def _distance(ours: Sequence[Tensor], exact: Sequence[Tensor]) -> float:
    error = sum((a - b).square().sum() for a, b in zip(ours, exact, strict=True))
    return float((error / sum(b.square().sum() for b in exact)) ** 0.5)
