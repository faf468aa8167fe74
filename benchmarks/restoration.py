"""Foam from few noisy projections around a leaning axis: what networks make of the filtered backprojection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import torch
from monai.metrics import PSNRMetric, SSIMMetric
from monai.networks.nets import UNet as ResidualUNet
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from benchmarks.parallel import in_parallel
from benchmarks.tables import markdown, mib
from iunet_med import IUNet
from iunet_med.datasets.simulation.foam_scan import SHIFT, FoamScan, simulate_foam_scan
from iunet_med.memory import predict_step_memory
from iunet_med.networks import UNet, start_as_identity

SIZE, ANGLES, PHOTONS = 64, 64, 1000.0
"""Voxels of a reconstruction, simulated at twice as many; projections, and photons for each ray."""
TRAINING, TEST = range(24), range(2000, 2006)
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


phantoms: dict[int, FoamScan] = {}
"""The phantoms by their seeds: simulated once, and handed to every process."""


def simulated(seed: int) -> FoamScan:
    """Simulate a phantom."""
    return simulate_foam_scan(seed, size=SIZE, angles=ANGLES, photons=PHOTONS, sets=PARTS)


def share(made: Mapping[int, FoamScan]) -> None:
    """Hand the phantoms to a process."""
    phantoms.update(made)


def table(picture: Path | None = None, *, quick: bool = False) -> str:
    """Return the table in Markdown, and draw the first test phantom; `quick` takes two steps with two seeds."""
    steps, seeds = (2, range(2)) if quick else (120, range(3))
    known = [*TRAINING, *TEST]
    made = in_parallel(simulated, known, told=lambda _: "phantom")
    phantoms.update(zip(known, made, strict=True))
    plain = [_scores(phantoms[seed].reconstruction, phantoms[seed].truth) for seed in TEST]
    runs = [Run(name, seed, steps) for seed in seeds for name in NETWORKS]
    results = list(in_parallel(train, runs, told=_told, share=share, shared=(phantoms,)))
    first = [("filtered backprojection", "-", "-", *(f"{mean(column):.3g}" for column in zip(*plain, strict=True)))]
    if picture:
        from benchmarks.restoration_picture import draw

        shown = {result.run.network: result.restored for result in results if result.run.seed == seeds[0]}
        draw(picture, phantoms[TEST[0]].truth, phantoms[TEST[0]].reconstruction, shown)
    return (
        f"Foam at {SIZE}³, simulated at {2 * SIZE}³: {ANGLES} angles around an axis that leans by 2 degrees and strays "
        f"by 0.5 degrees and {SHIFT} voxels, {PHOTONS:g} photons per ray, Hann's window. {len(TRAINING)} phantoms to "
        f"train on, {len(TEST)} others to test on; {steps} steps of Adam with one phantom each, one-cycle rate {RATE}, "
        f"mean square error; nothing was chosen by any phantom's score. Mean ± deviation of {len(seeds)} seeds; "
        "data range 1. Memory is predicted for a CPU. Noise2Inverse sees no truth: it trains from reconstructions of "
        f"{PARTS - 1} of {PARTS} sets of angles to that of the other.\n\n" + markdown(COLUMNS, [*first, *rows(results)])
    )


def _told(result: Result) -> str:
    return f"{result.run}, {result.psnr:.2f} dB"


def train(run: Run) -> Result:
    """Train for the steps of a run, then restore the test phantoms."""
    torch.manual_seed(run.seed)
    rng = torch.Generator().manual_seed(run.seed)
    network = NETWORKS[run.network]()
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=run.steps)
    blind = "Noise2Inverse" in run.network
    for _ in range(run.steps):
        scan = phantoms[TRAINING[int(torch.randint(len(TRAINING), (1,), generator=rng))]]
        source, target = _split(scan.sets, rng) if blind else (scan.reconstruction, scan.truth)
        turns = int(torch.randint(4, (1,), generator=rng))
        source, target = (volume.rot90(turns, (0, 1)) for volume in (source, target))
        optimizer.zero_grad()
        mse_loss(network(source[None, None])[0, 0], target).backward()
        optimizer.step()
        schedule.step()
    restore = _averaged(network) if blind else lambda scan: network(scan.reconstruction[None, None])[0, 0]
    with torch.no_grad():
        restored = [restore(phantoms[seed]) for seed in TEST]
    scores = [_scores(found, phantoms[seed].truth) for found, seed in zip(restored, TEST, strict=True)]
    psnr, ssim = (mean(column) for column in zip(*scores, strict=True))
    return Result(run, psnr, ssim, restored[0])


def _split(sets: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """The mean of all reconstructions but one as the source, and that one as the target, each (N, N, N)."""
    left_out = int(torch.randint(PARTS, (1,), generator=rng))
    return _others(sets, left_out), sets[left_out]


def _others(sets: Tensor, left_out: int) -> Tensor:
    return sets[torch.arange(PARTS) != left_out].mean(0)


def _averaged(network: nn.Module) -> Callable[[FoamScan], Tensor]:
    """The mean of what the network makes of each choice of sets, as it was trained."""

    def restore(scan: FoamScan) -> Tensor:
        return torch.stack([network(_others(scan.sets, k)[None, None])[0, 0] for k in range(PARTS)]).mean(0)

    return restore


def _scores(found: Tensor, truth: Tensor) -> tuple[float, float]:
    """PSNR in dB and SSIM of one volume."""
    psnr, ssim = PSNRMetric(max_val=1.0), SSIMMetric(spatial_dims=3, data_range=1.0)
    return float(psnr(found[None, None], truth[None, None])), float(ssim(found[None, None], truth[None, None]))


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
