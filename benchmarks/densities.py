"""Densities of small images: IUNetFlow beside zuko's RealNVP, of equal size and wider, and a Gaussian."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import mean, stdev

import torch
from torch import Tensor, nn

from benchmarks.parallel import in_parallel
from benchmarks.tables import markdown
from iunet_med.datasets.simulation import brain_slices
from iunet_med.networks import BitsPerDim, IUNetFlow, VariationalDequantisation


@dataclass(frozen=True)
class Images:
    """A set of images of whole numbers, and the networks' sizes for it.

    Args:
        shape: (C, X, Y).
        grey_values: how many whole numbers there are.
        parts: how many images to train on, to choose by, and to report.
        levels: of the U.
        hidden: of RealNVP's perceptrons, so that both flows have about the same parameters.
        load: all images, (N, C, X, Y).
        shuffled: whether each seed draws its parts anew; images of one patient must stay in one part.
        what: in words.
    """

    shape: tuple[int, int, int]
    grey_values: int
    parts: tuple[int, int, int]
    levels: int
    hidden: int
    load: Callable[[], Tensor]
    shuffled: bool
    what: str

    @property
    def values(self) -> int:
        """How many an image has."""
        return math.prod(self.shape)


def _digits() -> Tensor:
    from sklearn.datasets import load_digits

    return torch.as_tensor(load_digits().images, dtype=torch.float32)[:, None]


def _slices() -> Tensor:
    return brain_slices(range(350)).float()


SETS: Mapping[str, Images] = {
    "digits": Images(
        (1, 8, 8), 17, (1200, 297, 300), 3, 22, _digits, True, "the digits of scikit-learn, drawn anew by seed"
    ),
    "slices": Images(
        *((1, 32, 32), 64, (1500, 300, 300), 4, 6, _slices, False),
        "T2 slices of simulated brains, six of each, at 4 mm",
    ),
}
LOADED: dict[str, Tensor] = {}
"""All images of a set by its name: simulated once, and shared with every process."""


def _share(loaded: dict[str, Tensor]) -> None:
    LOADED.update(loaded)


RATES, BATCH, CHECKED_EVERY = (0.001, 0.003), 128, 25
FLOWS = ("IUNetFlow", "IUNetFlow, learned noise", "RealNVP (zuko)", "RealNVP (zuko), wide")
WIDE = 128
"""Hidden features of the wide RealNVP."""
COLUMNS = ("density", "parameters", "highest rate", "steps", "ms per step", "back within", "bits per value, test")


@dataclass(frozen=True)
class Run:
    """One training: images and flow by their names, the seed, the rate, and the processor's time."""

    images: str
    flow: str
    seed: int
    rate: float
    seconds: float


@dataclass(frozen=True)
class Result:
    """Bits per value of the images to choose by and of those to report, the steps, a few samples, and for `IUNetFlow`
    how far rounding moves an image that goes to its code and back."""

    run: Run
    chosen_by: float
    reported: float
    steps: int
    samples: Tensor
    error: float | None


class RealNVP(nn.Module):
    """zuko's RealNVP on pixels in a row."""

    def __init__(self, images: Images, hidden: int) -> None:
        super().__init__()
        import zuko

        self.shape = images.shape
        self.flow = zuko.flows.RealNVP(images.values, transforms=6, hidden_features=(hidden, hidden))

    def forward(self, x: Tensor) -> Tensor:
        """Return the log-density of images (B, *shape)."""
        log_prob: Tensor = self.flow().log_prob(x.flatten(1))
        return log_prob

    def sample(self, count: int) -> Tensor:
        """Draw images (count, *shape)."""
        drawn: Tensor = self.flow().sample((count,))
        return drawn.reshape(count, *self.shape)


def table(name: str, picture: Path | None, *, quick: bool = False) -> str:
    """Return the comparison in Markdown, and draw samples; `quick` trains for two seconds with one seed."""
    if not (find_spec("sklearn") and find_spec("zuko")):
        return "Open: pip install scikit-learn zuko."
    images = SETS[name]
    LOADED[name] = images.load()
    seconds, seeds = (2.0, range(1)) if quick else (60.0, range(3))
    runs = [Run(name, flow, seed, rate, seconds) for flow in FLOWS for seed in seeds for rate in RATES]
    trained = in_parallel(
        fitted,
        runs,
        told=lambda one: f"{one.run}, {one.reported:.3f} bits",
        share=_share,
        shared=(dict(LOADED),),
    )
    best = choose(trained)
    if picture is not None:
        draw(picture, name, {flow: results[0].samples for flow, results in best.items()})
    return (
        f"Images of {' x '.join(map(str, images.shape[1:]))} with {images.grey_values} grey values, {images.what}: "
        f"{images.parts[0]:,} to train on, {images.parts[1]} to choose learning rate and step by, {images.parts[2]} to "
        f"report; {len(seeds)} seed(s). Uniform dequantisation but where noise is learned, Adam, batches of {BATCH}, "
        f"{seconds:g} s of processor time on one thread per training, one training per core at a time. Bits per value, "
        "less is better; mean ± standard deviation over seeds. Back within: the largest difference of an image that "
        "goes to its code and back, after training.\n\n" + markdown(COLUMNS, rows(name, seeds, best))
    )


def choose(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Return of each flow and seed the result whose rate did best on the images to choose by."""
    best: dict[tuple[str, int], Result] = {}
    for result in results:
        key = (result.run.flow, result.run.seed)
        best[key] = min(best.get(key, result), result, key=lambda one: one.chosen_by)
    return {flow: [one for (name, _), one in best.items() if name == flow] for flow in FLOWS}


def rows(name: str, seeds: Iterable[int], best: Mapping[str, Sequence[Result]]) -> Iterator[tuple[object, ...]]:
    """Yield a row per density."""
    images = SETS[name]
    parameters = images.values + images.values * (images.values + 1) // 2
    normal = _spread([gaussian(name, seed) for seed in seeds])
    yield "Gaussian, full covariance", f"{parameters:,}", "-", "-", "-", "-", normal
    for flow, results in best.items():
        size = sum(parameter.numel() for parameter in build(images, flow).parameters())
        steps = mean(one.steps for one in results)
        rates = ", ".join(sorted({f"{one.run.rate:g}" for one in results}))
        speed = f"{1000 * results[0].run.seconds / steps:.0f}"
        yield flow, f"{size:,}", rates, round(steps), speed, _back(results), _spread([one.reported for one in results])


def build(images: Images, flow: str) -> BitsPerDim:
    """Return a flow with its dequantisation, whose forward pass gives bits per value."""
    if flow.startswith("RealNVP"):
        hidden = WIDE if flow.endswith("wide") else images.hidden
        return BitsPerDim(RealNVP(images, hidden), images.grey_values)
    learned = flow == "IUNetFlow, learned noise"
    noise = VariationalDequantisation(images.shape, values=images.grey_values) if learned else None
    made = IUNetFlow(images.shape, levels=images.levels, couplings=4, coupling_depth=2)
    return BitsPerDim(made, images.grey_values, dequantisation=noise)


def split(name: str, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return whole numbers (N, C, X, Y) of a set to train on, to choose by and to report."""
    images, every = SETS[name], LOADED[name]
    if images.shuffled:
        every = every[torch.randperm(len(every), generator=torch.Generator().manual_seed(seed))]
    first, second, third = torch.split(every[: sum(images.parts)], images.parts)
    return first, second, third


def fitted(run: Run) -> Result:
    """Train until the time is used up, and keep the weights that did best on the images to choose by."""
    torch.manual_seed(run.seed)
    images = SETS[run.images]
    training, chosen_by, reported = split(run.images, run.seed)
    model = build(images, run.flow)
    model(training)  # sets the normalisation of all of them
    optimizer = torch.optim.Adam(model.parameters(), lr=run.rate)
    best, state, used, steps = math.inf, copy.deepcopy(model.state_dict()), 0.0, 0
    while used < run.seconds:
        start = time.process_time()
        batch = training[torch.randint(len(training), (BATCH,))]
        optimizer.zero_grad()
        model(batch).mean().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        used += time.process_time() - start
        steps += 1
        if (steps % CHECKED_EVERY == 0 or used >= run.seconds) and (here := bits(model, chosen_by)) < best:
            best, state = here, copy.deepcopy(model.state_dict())
    model.load_state_dict(state)
    sample: Callable[[int], Tensor] = model.flow.sample  # type: ignore[assignment]
    with torch.no_grad():
        samples = sample(10)
    ours = isinstance(model.flow, IUNetFlow)
    error = model.flow.reconstruction_error(reported / images.grey_values) if ours else None
    return Result(run, best, bits(model, reported), steps, samples, error)


@torch.no_grad()
def bits(model: nn.Module, images: Tensor, draws: int = 4) -> float:
    """Return bits per value, over several draws of the noise."""
    return float(torch.stack([model(images).mean() for _ in range(draws)]).mean())


def gaussian(name: str, seed: int) -> float:
    """Return the bits per value of a Gaussian with the mean and covariance of dequantised images."""
    torch.manual_seed(0)
    training, _, reported = split(name, seed)
    grey_values = SETS[name].grey_values
    values = torch.cat([(training + torch.rand_like(training)) / grey_values for _ in range(4)]).flatten(1)
    normal = torch.distributions.MultivariateNormal(values.mean(0), values.T.cov())

    class Density(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            log_prob: Tensor = normal.log_prob(x.flatten(1))
            return log_prob

    return bits(BitsPerDim(Density(), grey_values), reported)


def draw(path: Path, name: str, samples: Mapping[str, Tensor]) -> None:
    """Write a PNG: a row of real images, and a row of samples of each flow."""
    from matplotlib.figure import Figure

    images, real = SETS[name], split(name, 0)[2]
    shown = {"real": real[:: len(real) // 10][:10] / images.grey_values, **samples}
    figure = Figure(figsize=(9, 1.15 * len(shown)), layout="constrained")
    axes = figure.subplots(len(shown), 10)
    for row, (title, pictures) in enumerate(shown.items()):
        for column in range(10):
            axis = axes[row, column]
            axis.imshow(pictures[column, 0].rot90(0 if images.values < 100 else 1), cmap="gray", vmin=0, vmax=1)
            axis.set_axis_off()
        axes[row, 0].set_title(title, fontsize=9, loc="left")
    figure.savefig(path, dpi=110)


def _back(results: Sequence[Result]) -> str:
    errors = [one.error for one in results if one.error is not None]
    return f"{max(errors):.0e}" if errors else "-"


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")
