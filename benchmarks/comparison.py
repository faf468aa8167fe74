"""Dice on simulated tumours after equal training time: IUNet, the paper's U-Net, MONAI's DynUNet and SegResNet."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import mean, stdev

import numpy as np
import torch
from monai.inferers import SlidingWindowInferer
from monai.losses import DiceFocalLoss
from monai.networks.nets import DynUNet, SegResNet
from monai.transforms import SpatialPad
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.architectures import Build
from benchmarks.fit import largest, needed
from benchmarks.parallel import in_parallel
from benchmarks.tables import markdown, mib
from iunet_med import IUNet
from iunet_med.datasets.simulation import simulate_case
from iunet_med.evaluation.dice import region_dice, region_masks
from iunet_med.networks import UNet

CHANNELS = (16, 32, 64, 128)
NETWORKS: dict[str, Build] = {
    "IUNet": lambda: IUNet(3, 4, 3, CHANNELS, couplings=2),
    "UNet of the paper": lambda: UNet(3, 4, 3, CHANNELS),
    "DynUNet": lambda: DynUNet(3, 4, 3, [3] * 4, [1, 2, 2, 2], [2] * 3, filters=CHANNELS),
    "SegResNet": lambda: SegResNet(3, init_filters=16, in_channels=4, out_channels=3, dropout_prob=0.2),
}
"""Four levels each; SegResNet as in the model zoo's BraTS bundle."""
REGIONS = {"ET": (3,), "TC": (1, 3), "WT": (1, 2, 3)}
SPACING_MM = 3.0
TRAINING, TEST = range(6000, 6012), range(7000, 7006)
LEARNING_RATES = (0.001, 0.003, 0.01)
CUBE, WHOLE, STEP = 32, 64, 8
"""Voxels: the crop at equal size, a cube that holds every brain, and the step between cubes."""


@dataclass(frozen=True)
class Run:
    """One training: a network by its name, the side of its crops, its seed, its highest rate and its time."""

    network: str
    crop: int
    seed: int
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class Result:
    """Mean Dice of each region over the test cases, and how many steps the time allowed."""

    run: Run
    dice: Mapping[str, float]
    steps: int

    @property
    def mean(self) -> float:
        """The mean over the regions."""
        return mean(self.dice.values())


Patient = tuple[Tensor, NDArray[np.uint8]]
patients: dict[int, Patient] = {}
"""The simulated patients by their seeds: made once, and handed to every process."""


def prepare(seed: int) -> Patient:
    """Return a simulated patient's image (4, X, Y, Z), cropped to the brain and normalised within, and the labels."""
    case = simulate_case(seed, spacing_mm=SPACING_MM)
    image = np.stack(list(case.images.values()))
    brain = image.any(0)
    box = tuple(slice(where.min(), where.max() + 1) for where in np.nonzero(brain))
    inside, image = brain[box], image[(slice(None), *box)]
    channels = [(channel - channel[inside].mean()) / channel[inside].std() * inside for channel in image]
    return torch.from_numpy(np.stack(channels).astype(np.float32)), case.label[box]


def random_crop(rng: np.random.Generator, seeds: Sequence[int], side: int) -> tuple[Tensor, Tensor]:
    """Draw a patient and a cube, every other one around a tumour's voxel, flipped by chance: (1, 4 or 3, s, s, s)."""
    image, label = patients[int(rng.choice(seeds))]
    masks = torch.from_numpy(region_masks(label, REGIONS)).float()
    both = SpatialPad((side,) * 3)(torch.cat([image, masks])).as_tensor()
    candidates = np.argwhere(both[-1].numpy() > 0) if rng.random() < 0.5 else np.argwhere(both[0].numpy() != 0)
    centre = candidates[rng.integers(len(candidates))]
    starts = [int(np.clip(c - side // 2, 0, n - side)) for c, n in zip(centre, both.shape[1:], strict=True)]
    both = both[(slice(None), *(slice(start, start + side) for start in starts))]
    both = both.flip([axis for axis in (1, 2, 3) if rng.random() < 0.5])[None]
    return both[:, :4], both[:, 4:]


def train(run: Run) -> Result:
    """Train on one thread until the processor's time is used up, then segment the test cases."""
    torch.manual_seed(run.seed)
    rng = np.random.default_rng(run.seed)
    network, loss = NETWORKS[run.network](), DiceFocalLoss(sigmoid=True, gamma=0.0, batch=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=run.learning_rate, weight_decay=1e-5)
    start, steps = time.process_time(), 0
    while (part := (time.process_time() - start) / run.seconds) < 1:
        warm, cool = min(1.0, part / 0.1), 0.5 * (1 + np.cos(np.pi * part))
        for group in optimizer.param_groups:
            group["lr"] = run.learning_rate * warm * cool
        image, target = random_crop(rng, TRAINING, run.crop)
        optimizer.zero_grad(set_to_none=True)
        loss(network(image), target).backward()
        optimizer.step()
        steps += 1
    return Result(run, score(network.eval(), run.crop), steps)


@torch.no_grad()
def score(network: torch.nn.Module, crop: int) -> dict[str, float]:
    """Return the mean Dice of each region over the test cases, segmented by windows as large as the crops."""
    inferer = SlidingWindowInferer((crop,) * 3, sw_batch_size=1, overlap=0.5, mode="gaussian")
    scores: dict[str, list[float]] = {region: [] for region in REGIONS}
    for seed in TEST:
        image, label = patients[seed]
        found = (inferer(image[None], network)[0] > 0).numpy()
        truth = region_masks(label, REGIONS)
        for region, predicted, true in zip(REGIONS, found, truth, strict=True):
            scores[region] += region_dice(predicted, true, regions={region: (1,)}).values()
    return {region: mean(values) for region, values in scores.items()}


def equal_memory() -> tuple[int, dict[str, int]]:
    """Return the bytes that a step of the IUNet on a whole brain needs, and each network's largest cube in them."""
    need = {
        name: cache(lambda side, build=build: needed(build, (1, 4, side, side, side)))
        for name, build in NETWORKS.items()
    }
    budget = need["IUNet"](WHOLE)
    return budget, {name: min(WHOLE, largest(function, budget, STEP)) for name, function in need.items()}


def train_all(runs: Sequence[Run]) -> Iterator[Result]:
    """Do the runs with the simulated patients."""
    patients.update({seed: prepare(seed) for seed in (*TRAINING, *TEST) if seed not in patients})
    return in_parallel(train, runs, told=lambda one: f"{one.run}, Dice {one.mean:.3f}", share=share, shared=(patients,))


def share(made: Mapping[int, Patient]) -> None:
    """Hand the patients to a process."""
    patients.update(made)


def best_rates(*, crop: int, seconds: float) -> dict[str, float]:
    """Choose each network's learning rate by short runs of a seed that is not used afterwards."""
    runs = [Run(name, crop, 99, rate, seconds) for name in NETWORKS for rate in LEARNING_RATES]
    best: dict[str, Result] = {}
    for result in train_all(runs):
        name = result.run.network
        best[name] = max(best.get(name, result), result, key=lambda one: one.mean)
    return {name: result.run.learning_rate for name, result in best.items()}


def rows(results: Iterable[Result]) -> Iterator[tuple[object, ...]]:
    """Yield a row per network: crop, memory of a step, rate, steps, then mean and spread over the seeds."""
    grouped: dict[str, list[Result]] = {}
    for result in results:
        grouped.setdefault(result.run.network, []).append(result)
    for name, group in grouped.items():
        run = group[0].run
        memory = mib(needed(NETWORKS[name], (1, 4, run.crop, run.crop, run.crop)))
        scores = [[result.dice[region] for result in group] for region in REGIONS]
        scores.append([result.mean for result in group])
        spread = [f"{mean(s):.3f} ± {stdev(s) if len(s) > 1 else 0:.3f}" for s in scores]
        yield name, f"{run.crop}³", memory, run.learning_rate, round(mean(r.steps for r in group)), *spread


def table(*, quick: bool = False) -> str:
    """Return both comparisons in Markdown; `quick` trains for two seconds and one seed."""
    seconds, seeds = (2.0, range(1)) if quick else (120.0, range(3))
    rates = dict.fromkeys(NETWORKS, 0.003) if quick else best_rates(crop=CUBE, seconds=seconds / 2)
    budget, cubes = equal_memory()
    columns = ("network", "crop", "MiB", "rate", "steps", *REGIONS, "mean")
    tables = []
    for crops in (dict.fromkeys(NETWORKS, CUBE), cubes):
        runs = [Run(name, crop, seed, rates[name], seconds) for name, crop in crops.items() for seed in seeds]
        tables.append(markdown(columns, rows(train_all(runs))))
    return (
        f"Simulated brains at {SPACING_MM:g} mm, {len(TRAINING)} to train on and {len(TEST)} to test on; {seconds:g} s "
        "of processor time on one thread per run, one run per core at a time; mean Dice of the test cases, mean ± "
        f"standard deviation of {len(seeds)} seeds; each network's learning rate is the best of {LEARNING_RATES} in "
        f"a run of half the time with another seed.\n\nEqual time and equal crops:\n\n{tables[0]}\n\n"
        f"Equal time and equal memory, {mib(budget)} MiB, what the IUNet takes to train on a whole brain; each network "
        f"trains on the largest cube that it can:\n\n{tables[1]}"
    )
