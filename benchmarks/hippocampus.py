"""Five folds of the Decathlon's hippocampi: IUNet beside MONAI's networks of equal size, trained for equal time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.data import list_data_collate
from monai.inferers import SlidingWindowInferer
from monai.losses import DiceCELoss
from monai.metrics import compute_dice, compute_hausdorff_distance
from monai.networks.nets import DynUNet, SegResNet, UNet
from monai.networks.utils import one_hot
from monai.transforms import Compose
from torch import Tensor, nn

from benchmarks.parallel import in_parallel
from benchmarks.tables import markdown, mib
from iunet_med import IUNet
from iunet_med.datasets import split_cases
from iunet_med.memory import predict_step_memory

BUNDLE = Path(__file__).parents[1] / "bundle" / "iunet_hippocampus_mri" / "configs" / "train.json"
Batch = Callable[[], tuple[Tensor, Tensor]]
PARTS = ("anterior", "posterior")
WINDOW = (48, 64, 48)
BATCH, RATES = 2, (0.01, 0.003)
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "IUNet": lambda: IUNet(3, 1, 3, (16, 32, 64), couplings=2),
    "DynUNet": lambda: DynUNet(3, 1, 3, [3] * 3, [1, 2, 2], [2] * 2, filters=(10, 20, 40)),
    "SegResNet": lambda: SegResNet(
        3, init_filters=8, in_channels=1, out_channels=3, blocks_down=(1, 2, 2), blocks_up=(1, 1)
    ),
    "UNet": lambda: UNet(3, 1, 3, (12, 24, 48), (2, 2), num_res_units=2),
}
"""Within some 20 % of the parameters of the bundle's network; the table tells them."""
COLUMNS = (
    *("network", "parameters", "MiB", "highest rate", "steps", "ms per step"),
    *(f"{what} {part}" for what in ("Dice", "HD95") for part in PARTS),
)


@dataclass(frozen=True)
class Run:
    """One training: network, the fold that is held out, the highest learning rate, seconds of processor time."""

    network: str
    fold: int
    rate: float
    seconds: float
    data: str


@dataclass(frozen=True)
class Result:
    """Means over the held-out cases: Dice and 95 % Hausdorff distance (mm) of each part, and the steps taken."""

    run: Run
    dice: Sequence[float]
    distance: Sequence[float]
    steps: int


def table(data: Path | None, *, quick: bool = False) -> str:
    """Return the comparison in Markdown; `quick` trains for two seconds on two folds."""
    if data is None:
        return "Open: give the folder of Task04_Hippocampus by `--hippocampus FOLDER`."
    seconds, folds = (2.0, 3) if quick else (60.0, 5)
    tried = [Run(name, 0, rate, seconds, str(data)) for name in NETWORKS for rate in RATES]
    best: dict[str, Result] = {}
    for result in in_parallel(train, tried, told=_told):
        name = result.run.network
        best[name] = max(best.get(name, result), result, key=lambda one: mean(one.dice))
    runs = [replace(best[name].run, fold=fold) for fold in range(1, folds) for name in NETWORKS]
    return (
        f"Expert labels, {folds} folds; the crops' patients are unknown, so two sides of one head may be parted. On "
        f"the first fold each network chose its highest learning rate, {' or '.join(map(str, RATES))} (AdamW); "
        "the figures are of the other folds. The networks' sizes, loss, augmentation and crops "
        f"({' x '.join(map(str, WINDOW))}, batch {BATCH}) are what was chosen for the bundle's IUNet, on the first "
        f"fold too. {seconds:g} s of processor time on one thread per run, transforms not counted, one run per core "
        "at a time. HD95 in mm; where a part is not found at all, the image's diagonal. Mean over folds ± standard "
        "deviation; MiB of a step, predicted for a CPU.\n\n"
        + markdown(COLUMNS, rows(in_parallel(train, runs, told=_told)))
    )


def rows(results: Iterable[Result]) -> Iterator[tuple[object, ...]]:
    """Yield a row per network."""
    grouped: dict[str, list[Result]] = {}
    for result in results:
        grouped.setdefault(result.run.network, []).append(result)
    for name, group in grouped.items():
        size = sum(parameter.numel() for parameter in NETWORKS[name]().parameters())
        memory = mib(predict_step_memory(NETWORKS[name], (BATCH, 1, *WINDOW)).peak)
        steps = mean(result.steps for result in group)
        columns = [[result.dice[part] for result in group] for part in range(len(PARTS))]
        distances = [[result.distance[part] for result in group] for part in range(len(PARTS))]
        figures = [_spread(column, 3) for column in columns] + [_spread(column, 2) for column in distances]
        speed = f"{1000 * group[0].run.seconds / steps:.0f}"
        yield name, f"{size:,}", memory, group[0].run.rate, round(steps), speed, *figures


def _told(result: Result) -> str:
    return f"{result.run}, Dice " + ", ".join(f"{value:.3f}" for value in result.dice)


def train(run: Run) -> Result:
    """Train until the time is used up, then segment the held-out cases."""
    torch.manual_seed(run.fold)
    _, held_out, batch = split_and_read(run.data, fold=run.fold)
    network = NETWORKS[run.network]()
    steps = fitted(network, batch, run.seconds, rate=run.rate)
    scores = [_score(network.eval(), case) for case in held_out]
    dice, distance = (torch.stack(values).mean(0).tolist() for values in zip(*scores, strict=True))
    return Result(run, dice, distance, steps)


def split_and_read(data: str, *, fold: int) -> tuple[list[Any], list[Any], Batch]:
    """Return the training cases and the held-out ones of a fold, preprocessed, and what draws augmented batches."""
    parser = ConfigParser()
    parser.read_config(BUNDLE)
    parser.update({"dataset_dir": data, "device": "cpu", "roi_size": list(WINDOW)})
    training, held_out = split_cases(parser.get_parsed_content("cases"), validation=0.2, fold=fold)
    read = Compose(parser.get_parsed_content("train::deterministic_transforms"))
    parts = ("train::random_transforms", "augmentation", "train::final_transforms")
    augment = Compose([step for part in parts for step in parser.get_parsed_content(part)])
    augment.set_random_state(fold)
    cases = [read(case) for case in training]
    return cases, [read(case) for case in held_out], partial(_batch, cases, augment, np.random.default_rng(fold))


def fitted(network: nn.Module, batch: Batch, seconds: float, *, rate: float) -> int:
    """Train a network for some seconds of processor time, and return the number of steps."""
    loss = DiceCELoss(softmax=True, to_onehot_y=True, include_background=False, batch=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-5)
    used, steps = 0.0, 0
    while (part := used / seconds) < 1:
        image, label = batch()
        start = time.process_time()
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, part / 0.1) * 0.5 * (1 + np.cos(np.pi * part))
        optimizer.zero_grad(set_to_none=True)
        loss(network(image), label).backward()
        optimizer.step()
        used += time.process_time() - start
        steps += 1
    return steps


def _batch(cases: Sequence[Mapping[str, Any]], augment: Compose, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    items = [augment(dict(cases[index])) for index in rng.choice(len(cases), BATCH, replace=False)]
    both = list_data_collate([one for item in items for one in (item if isinstance(item, list) else [item])])
    return torch.as_tensor(both["image"]), torch.as_tensor(both["label"])


@torch.no_grad()
def _score(network: nn.Module, case: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    image, label = torch.as_tensor(case["image"])[None], torch.as_tensor(case["label"])[None]
    logits = SlidingWindowInferer(WINDOW, overlap=0.5, mode="gaussian")(image, network)
    found, true = (one_hot(x, 3) for x in (torch.as_tensor(logits).argmax(1, keepdim=True), label))
    dice = compute_dice(found, true, include_background=False)
    distance = compute_hausdorff_distance(found, true, include_background=False, percentile=95)[0].float()
    diagonal = float(np.linalg.norm(image.shape[2:]))  # voxels of 1 mm
    return dice[0], torch.where(distance.isfinite(), distance, diagonal)


def _spread(values: Sequence[float], digits: int) -> str:
    return f"{mean(values):.{digits}f} ± {stdev(values):.{digits}f}"
