"""Dice on simulated tumours after equal steps: the state in 32 bits and in 16, convolutions in float32 and bfloat16."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from monai.losses import DiceFocalLoss

from benchmarks.comparison import (
    CHANNELS,
    CUBE,
    REGIONS,
    SPACING_MM,
    TEST,
    TRAINING,
    prepare,
    random_crop,
    score,
    share,
)
from benchmarks.parallel import in_parallel
from benchmarks.tables import markdown, mib
from iunet_med import IUNet
from iunet_med.memory import predict_step_memory

MODES: dict[str, tuple[dict[str, Any], torch.dtype | None]] = {
    "state and convolutions in float32": ({}, None),
    "state in float32, convolutions in bfloat16": ({}, torch.bfloat16),
    "state in fixed16, convolutions in bfloat16": ({"state": "fixed16"}, torch.bfloat16),
}
LEARNING_RATE = 0.003
COLUMNS = ("mode", "MiB of a step", *REGIONS, "mean")


@dataclass(frozen=True)
class Run:
    """One training: its mode by name, its seed, how many steps."""

    mode: str
    seed: int
    steps: int


@dataclass(frozen=True)
class Result:
    """Mean Dice of each region over the test cases."""

    run: Run
    dice: Mapping[str, float]


def table(*, quick: bool = False) -> str:
    """Return the table in Markdown; `quick` takes four steps with two seeds."""
    steps, seeds = (4, range(2)) if quick else (300, range(3))
    runs = [Run(mode, seed, steps) for seed in seeds for mode in MODES]
    patients = {seed: prepare(seed) for seed in (*TRAINING, *TEST)}
    results = in_parallel(
        train, runs, told=lambda one: f"{one.run}, Dice {mean(one.dice.values()):.3f}", share=share, shared=(patients,)
    )
    return (
        f"Simulated brains at {SPACING_MM:g} mm, {len(TRAINING)} to train on and {len(TEST)} to test on; {steps} steps "
        f"on cubes of {CUBE} voxels, one-cycle rate {LEARNING_RATE}; of a seed all modes begin with the same weights "
        f"and see the same crops. Mean Dice of the test cases in float32, mean ± standard deviation of {len(seeds)} "
        "seeds. Memory is predicted for a CPU.\n\n" + markdown(COLUMNS, rows(results))
    )


def train(run: Run) -> Result:
    """Train for the steps of a run, then segment the test cases."""
    options, autocast = MODES[run.mode]
    torch.manual_seed(run.seed)
    rng = np.random.default_rng(run.seed)
    network, loss = IUNet(3, 4, 3, CHANNELS, couplings=2, **options), DiceFocalLoss(sigmoid=True, gamma=0.0, batch=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=run.steps)
    for _ in range(run.steps):
        image, target = random_crop(rng, TRAINING, CUBE)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast is not None):
            logits = network(image)
        loss(logits.float(), target).backward()
        optimizer.step()
        schedule.step()
    return Result(run, score(network.eval(), CUBE))


def rows(results: Iterable[Result]) -> Iterator[tuple[object, ...]]:
    """Yield a row per mode: memory of a step, then mean and spread of the Dice over the seeds."""
    grouped: dict[str, list[Result]] = {}
    for result in results:
        grouped.setdefault(result.run.mode, []).append(result)
    for mode, group in grouped.items():
        options, autocast = MODES[mode]
        memory = predict_step_memory(
            lambda options=options: IUNet(3, 4, 3, CHANNELS, couplings=2, **options),
            (1, 4, CUBE, CUBE, CUBE),
            autocast=autocast,
        )
        scores = [[result.dice[region] for result in group] for region in REGIONS]
        scores.append([mean(result.dice.values()) for result in group])
        yield mode, mib(memory.peak), *(f"{mean(s):.3f} ± {stdev(s):.3f}" for s in scores)
