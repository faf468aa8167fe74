"""Foam from few noisy projections around a leaning axis: what networks make of the filtered backprojection."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from math import radians
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, stdev

import torch
from monai.metrics import PSNRMetric, SSIMMetric
from monai.networks.nets import UNet as ResidualUNet
from torch import Tensor, nn
from torch.nn.functional import avg_pool3d, mse_loss

from benchmarks.tables import markdown, mib
from iunet_med import IUNet
from iunet_med.datasets.simulation.foam import simulate_foam
from iunet_med.memory import predict_step_memory
from iunet_med.networks import UNet, start_as_identity
from iunet_med.tomography import Geometry, filtered_backprojection, photon_noise, project

SIZE, ANGLES, PHOTONS = 64, 64, 1000.0
"""Voxels of a reconstruction, simulated at twice as many; projections, and photons for each ray."""
SLANT, JITTER, SHIFT = radians(2), radians(0.5), 0.5
ABSORPTION = 2.0
"""Line integral along the cylinder's diameter without holes."""
TRAINING, VALIDATION, TEST = range(24), range(1000, 1002), range(2000, 2006)
CHANNELS = (8, 16, 32, 64)


class Residual(nn.Module):
    """A network that is added to its input, (B, 1, *spatial) -> the same."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Add what the network finds."""
        result: Tensor = x + self.network(x)
        return result


def _iunet() -> nn.Module:
    norm = ("group", {"num_groups": 1})
    return start_as_identity(IUNet(3, 1, 1, CHANNELS, couplings=2, norm=norm))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "IUNet": _iunet,
    "UNet of the paper": lambda: UNet(3, 1, 1, CHANNELS),
    "residual UNet of MONAI": lambda: Residual(ResidualUNet(3, 1, 1, (8, 16, 32, 64), (2, 2, 2), num_res_units=2)),
    "IUNet, Noise2Inverse": _iunet,
}
PARTS = 4
"""Of Noise2Inverse: into how many sets of angles projections are split."""
RATE = 2e-3
COLUMNS = ("what", "parameters", "MiB of a step", "PSNR, dB", "SSIM")


@dataclass(frozen=True)
class Run:
    """One training: the network by its name, its seed, its steps."""

    network: str
    seed: int
    steps: int


@dataclass(frozen=True)
class Result:
    """PSNR and SSIM, means over the test phantoms, and what became of the first one."""

    run: Run
    psnr: float
    ssim: float
    restored: Tensor


Scan = tuple[Tensor, Tensor, Tensor]
"""The truth, its filtered backprojection, both (1, N, N, N), and those of each set of angles (PARTS, N, N, N)."""


@lru_cache(maxsize=64)
def scanned(seed: int) -> Scan:
    """Simulate a phantom at twice the resolution, measure it, and reconstruct it by who knows nothing of the axis."""
    rng = torch.Generator().manual_seed(seed)
    fine = torch.from_numpy(simulate_foam(seed, size=2 * SIZE))[None, None]
    geometry = Geometry.perturbed(ANGLES, slant=SLANT, jitter=JITTER, shift=2 * SHIFT, generator=rng)
    scale = ABSORPTION / (2 * SIZE)
    integrals = scale * project(fine, geometry)
    detector = integrals.unflatten(2, (SIZE, 2)).unflatten(4, (SIZE, 2)).mean((3, 5))
    measured = photon_noise(detector, PHOTONS, generator=rng) / (2 * scale)
    angles = geometry.angles
    whole = filtered_backprojection(measured, angles, window="hann")[0]
    parts = [
        filtered_backprojection(measured[:, k::PARTS], angles[k::PARTS], window="hann")[0, 0] for k in range(PARTS)
    ]
    return avg_pool3d(fine, 2)[0], whole, torch.stack(parts)


def table(picture: Path | None = None, *, quick: bool = False) -> str:
    """Return the table in Markdown, and draw the first test phantom; `quick` takes two steps with two seeds."""
    steps, seeds = (2, range(2)) if quick else (200, range(3))
    plain = [_scores(scanned(seed)[1], scanned(seed)[0]) for seed in TEST]
    results = list(in_parallel([Run(name, seed, steps) for seed in seeds for name in NETWORKS]))
    first = [("filtered backprojection", "-", "-", *(f"{mean(column):.3g}" for column in zip(*plain, strict=True)))]
    if picture:
        from benchmarks.restoration_picture import draw

        shown = {result.run.network: result.restored for result in results if result.run.seed == seeds[0]}
        draw(picture, *scanned(TEST[0])[:2], shown)
    return (
        f"Foam at {SIZE}³, simulated at {2 * SIZE}³: {ANGLES} angles around an axis that leans by 2 degrees and strays "
        f"by 0.5 degrees and {SHIFT} voxels, {PHOTONS:g} photons per ray, Hann's window. {len(TRAINING)} phantoms to "
        f"train on, {len(TEST)} others to test on; {steps} steps of Adam with one phantom each, one-cycle rate {RATE}, "
        f"mean square error; nothing was chosen by any phantom's score. Mean ± deviation of {len(seeds)} seeds; "
        "data range 1. Memory is predicted for a CPU. Noise2Inverse sees no truth: it trains from reconstructions of "
        f"{PARTS - 1} of {PARTS} sets of angles to that of the other.\n\n" + markdown(COLUMNS, [*first, *rows(results)])
    )


def in_parallel(runs: Sequence[Run]) -> Iterator[Result]:
    """Do the runs in one process per core, each on one thread."""
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for number, result in enumerate(pool.map(train, runs), 1):
            print(f"{number} of {len(runs)}: {result.run}, {result.psnr:.2f} dB", file=sys.stderr, flush=True)
            yield result


def train(run: Run) -> Result:
    """Train for the steps of a run, then restore the test phantoms."""
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    rng = torch.Generator().manual_seed(run.seed)
    network = NETWORKS[run.network]()
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=run.steps)
    blind = "Noise2Inverse" in run.network
    for _ in range(run.steps):
        truth, whole, parts = scanned(TRAINING[int(torch.randint(len(TRAINING), (1,), generator=rng))])
        source, target = _split(parts, rng) if blind else (whole, truth)
        turns = int(torch.randint(4, (1,), generator=rng))
        source, target = (volume.rot90(turns, (1, 2)) for volume in (source, target))
        optimizer.zero_grad()
        mse_loss(network(source[None])[0], target).backward()
        optimizer.step()
        schedule.step()
    restore = _averaged(network) if blind else lambda scan: network(scan[1][None])[0]
    with torch.no_grad():
        restored = [restore(scanned(seed)) for seed in TEST]
    scores = [_scores(found, scanned(seed)[0]) for found, seed in zip(restored, TEST, strict=True)]
    psnr, ssim = (mean(column) for column in zip(*scores, strict=True))
    return Result(run, psnr, ssim, restored[0])


def _split(parts: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """One set's reconstruction as the target, the mean of the others' as the source, each (1, N, N, N)."""
    left_out = int(torch.randint(PARTS, (1,), generator=rng))
    others = torch.arange(PARTS) != left_out
    return parts[others].mean(0, keepdim=True), parts[left_out : left_out + 1]


def _averaged(network: nn.Module) -> Callable[[Scan], Tensor]:
    """The mean of what the network makes of each choice of sets, as it was trained."""

    def restore(scan: Scan) -> Tensor:
        parts = scan[2]
        sources = [parts[torch.arange(PARTS) != k].mean(0, keepdim=True) for k in range(PARTS)]
        return torch.stack([network(source[None])[0] for source in sources]).mean(0)

    return restore


def _scores(found: Tensor, truth: Tensor) -> tuple[float, float]:
    """PSNR in dB and SSIM of one volume."""
    psnr, ssim = PSNRMetric(max_val=1.0), SSIMMetric(spatial_dims=3, data_range=1.0)
    return float(psnr(found[None], truth[None])), float(ssim(found[None], truth[None]))


def rows(results: Iterable[Result]) -> Iterator[tuple[object, ...]]:
    """Yield a row per network: size, memory of a step, mean and spread of the scores over the seeds."""
    grouped: dict[str, list[Result]] = {}
    for result in results:
        grouped.setdefault(result.run.network, []).append(result)
    for name, group in grouped.items():
        size = sum(parameter.numel() for parameter in NETWORKS[name]().parameters())
        memory = mib(predict_step_memory(NETWORKS[name], (1, 1, SIZE, SIZE, SIZE)).peak)
        scores: Mapping[str, list[float]] = {"psnr": [r.psnr for r in group], "ssim": [r.ssim for r in group]}
        spread = [
            f"{mean(s):.{digits}f} ± {stdev(s):.{digits}f}" for s, digits in zip(scores.values(), (2, 3), strict=True)
        ]
        yield name, f"{size:,}", memory, *spread
