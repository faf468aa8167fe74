"""Densities of handwritten digits, 8 x 8: IUNetFlow beside zuko's RealNVP of equal size, and a Gaussian."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from statistics import mean, stdev

import torch
from torch import Tensor, nn

from benchmarks.tables import markdown
from iunet_med.networks import IUNetFlow

LEVELS, SIZE = 17, 64
PARTS = (1200, 297, 300)
"""Digits to train on, to choose by, and to report."""
RATES, BATCH, CHECKED_EVERY = (0.001, 0.003), 128, 50
HIDDEN = 22
"""Of RealNVP's perceptrons, so that both flows have about the same parameters."""
COLUMNS = ("density", "parameters", "highest rate", "steps", "ms per step", "bits per value, test")
LogProb = Callable[[Tensor], Tensor]


class RealNVP(nn.Module):
    """zuko's RealNVP on pixels in a row."""

    def __init__(self) -> None:
        super().__init__()
        import zuko

        self.flow = zuko.flows.RealNVP(SIZE, transforms=6, hidden_features=(HIDDEN, HIDDEN))

    def forward(self, x: Tensor) -> Tensor:
        """Return the log-density of images (B, 1, 8, 8)."""
        log_prob: Tensor = self.flow().log_prob(x.flatten(1))
        return log_prob


FLOWS: dict[str, Callable[[], nn.Module]] = {
    "IUNetFlow": partial(IUNetFlow, (1, 8, 8), levels=3, couplings=4, coupling_depth=2),
    "RealNVP (zuko)": RealNVP,
}


def table(*, quick: bool = False) -> str:
    """Return the comparison in Markdown; `quick` trains for two seconds with one seed."""
    if not (find_spec("sklearn") and find_spec("zuko")):
        return "Open: pip install scikit-learn zuko."
    torch.set_num_threads(1)
    seconds, seeds = (2.0, 1) if quick else (60.0, 3)
    return (
        f"The {sum(PARTS):,} digits of scikit-learn with {LEVELS} grey values: {PARTS[0]:,} to train on, {PARTS[1]} to "
        f"choose learning rate and step by, {PARTS[2]} to report, drawn anew for each of {seeds} seed(s). Uniform "
        f"dequantisation, Adam, batches of {BATCH}, {seconds:g} s of processor time on one thread per training. Bits "
        "per value, less is better; mean ± standard deviation over seeds.\n\n"
        + markdown(COLUMNS, rows(seconds, range(seeds)))
    )


def rows(seconds: float, seeds: range) -> Iterator[tuple[object, ...]]:
    """Yield a row per density."""
    yield (
        "Gaussian, full covariance",
        f"{SIZE + SIZE * (SIZE + 1) // 2:,}",
        "-",
        "-",
        "-",
        _spread([gaussian(*split(seed)[::2]) for seed in seeds]),
    )
    for name, build in FLOWS.items():
        chosen = []
        for seed in seeds:
            trained = [fitted(build, seed, rate, seconds) for rate in RATES]
            chosen.append(min(trained, key=lambda one: one[0]))
        size = sum(parameter.numel() for parameter in build().parameters())
        steps = mean(one[2] for one in chosen)
        rates = ", ".join(sorted({f"{one[3]:g}" for one in chosen}))
        speed = f"{1000 * seconds / steps:.0f}"
        yield name, f"{size:,}", rates, round(steps), speed, _spread([one[1] for one in chosen])


def split(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return whole numbers (N, 1, 8, 8) to train on, to choose by and to report."""
    from sklearn.datasets import load_digits

    images = torch.as_tensor(load_digits().images, dtype=torch.float32)[:, None]
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    first, second, third = torch.split(images[order], PARTS)
    return first, second, third


def fitted(build: Callable[[], nn.Module], seed: int, rate: float, seconds: float) -> tuple[float, float, int, float]:
    """Train, and return bits per value of the digits to choose by and of those to report, the steps and the rate."""
    torch.manual_seed(seed)
    training, chosen_by, reported = split(seed)
    flow = build()
    flow(dequantised(training))  # sets the normalisation of all of them
    optimizer = torch.optim.Adam(flow.parameters(), lr=rate)
    best, state, used, steps = math.inf, copy.deepcopy(flow.state_dict()), 0.0, 0
    while used < seconds:
        start = time.process_time()
        batch = training[torch.randint(len(training), (BATCH,))]
        optimizer.zero_grad()
        (-flow(dequantised(batch)).mean() / SIZE).backward()
        nn.utils.clip_grad_norm_(flow.parameters(), 1.0)
        optimizer.step()
        used += time.process_time() - start
        steps += 1
        if steps % CHECKED_EVERY == 0 and (here := bits(flow, chosen_by)) < best:
            best, state = here, copy.deepcopy(flow.state_dict())
    flow.load_state_dict(state)
    return best, bits(flow, reported), steps, rate


def dequantised(images: Tensor) -> Tensor:
    """Whole numbers -> values in [0, 1)."""
    return (images + torch.rand_like(images)) / LEVELS


@torch.no_grad()
def bits(log_prob: LogProb, images: Tensor, draws: int = 4) -> float:
    """Return bits per value, over several draws of the noise."""
    nats = torch.stack([log_prob(dequantised(images)).mean() for _ in range(draws)]).mean()
    return float(-nats / (SIZE * math.log(2)) + math.log2(LEVELS))


def gaussian(training: Tensor, reported: Tensor) -> float:
    """Return the bits per value of a Gaussian with the mean and covariance of dequantised digits."""
    torch.manual_seed(0)
    values = torch.cat([dequantised(training) for _ in range(4)]).flatten(1)
    normal = torch.distributions.MultivariateNormal(values.mean(0), values.T.cov())
    return bits(lambda x: normal.log_prob(x.flatten(1)), reported)


def _spread(values: list[float]) -> str:
    return f"{mean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")
