"""Time of a reversible step over a stored one, on the paper's network and on a 3D network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch

from benchmarks.tables import markdown, mib
from benchmarks.timing import in_turns, ratio, seconds, training_step
from iunet_med import InvertibleUNet
from iunet_med.memory import count_step_memory

COLUMNS = ("network", "mode", "seconds, median (quartiles)", "over stored (quartiles)", "limit", "peak, MiB")
FLOOR = "stored, and one more forward pass"
LIMITS = {"reversible": "1.35", "first level reversible": "1.25"}


@dataclass(frozen=True)
class Setting:
    """A network, its input and the rounds of timing; `couplings` are per level and branch."""

    name: str
    channels: tuple[int, ...]
    couplings: int
    size: tuple[int, ...]
    rounds: int

    def build(self, backprop: str | Sequence[str]) -> InvertibleUNet:
        """Return the network."""
        return InvertibleUNet(len(self.size), self.channels, couplings=self.couplings, backprop=backprop)

    def image(self) -> torch.Tensor:
        """Return a random input."""
        return torch.randn(1, self.channels[0], *self.size, generator=torch.Generator().manual_seed(0))


PAPER = Setting("paper's 2D network, 5 couplings", (64, 128, 256, 512, 1024), 5, (512, 512), 5)
VOLUME = Setting("3D network, 32 channels, 3 levels, 4 couplings", (32, 64, 128), 4, (48, 48, 48), 11)


def modes(levels: int) -> dict[str, str | tuple[str, ...]]:
    """Return the ways to backpropagate, by name."""
    return {
        "stored": "stored",
        "reversible": "reversible",
        "first level reversible": ("recompute", *["store"] * (levels - 1)),
    }


def rows(setting: Setting) -> Iterator[tuple[object, ...]]:
    """Yield one row per mode, all timed in turns, and one for the least that a rebuilding mode can take."""
    image = setting.image()
    networks = {name: setting.build(backprop) for name, backprop in modes(len(setting.channels)).items()}
    steps = {name: training_step(network, image) for name, network in networks.items()}
    times = in_turns(
        steps | {FLOOR: partial(_step_and_forward, steps["stored"], networks["stored"], image)}, setting.rounds
    )
    label = f"{setting.name}, {' x '.join(map(str, setting.size))}"
    for name, measured in times.items():
        peak = mib(count_step_memory(networks[name], image).peak) if name in networks else "-"
        yield label, name, seconds(measured), ratio(measured, times["stored"]), LIMITS.get(name, "-"), peak


def _step_and_forward(step: Callable[[], None], network: torch.nn.Module, image: torch.Tensor) -> None:
    step()
    with torch.no_grad():
        network(image)


def table(*, quick: bool = False) -> str:
    """Return the table in Markdown; `quick` takes small images and few rounds."""
    settings = (PAPER, VOLUME)
    if quick:
        settings = (replace(PAPER, size=(64, 64), rounds=3), replace(VOLUME, size=(24, 24, 24), rounds=3))
    return "One forward and backward pass, float32, batch 1, mean square as the loss, in turns.\n\n" + markdown(
        COLUMNS, [row for setting in settings for row in rows(setting)]
    )
