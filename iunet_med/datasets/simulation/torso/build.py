"""What sets one person apart: size, fat, age, phase of contrast, and which organs are missing, enlarged or ill."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Phase = Literal["native", "arterial", "portal", "delayed"]


@dataclass(frozen=True)
class Build:
    """One person, before any deformation.

    Args:
        fat_mm: thickness of the fat under the skin at the flank.
        belly: visceral fat, 0 (lean) to 1; it widens the abdomen forwards and moves organs apart.
        hips: 0 (narrow, a man's) to 1 (wide, a woman's).
        breasts_mm: how far the breasts stand out; 0 for none.
        age: 0 to 1; bone loses calcium and muscle turns fatty.
        breath_mm: how far the diaphragm stands above its mean place.
        arms: whether the arms lie beside the body.
        organ_scale: size of each organ relative to the mean, by name.
        missing: organs that have been taken out.
        phase: of the contrast medium.
        fluid_mm: depth of fluid in the pleura (right, left) and in the abdomen.
    """

    fat_mm: float
    belly: float
    hips: float
    breasts_mm: float
    age: float
    breath_mm: float
    arms: bool
    phase: Phase
    organ_scale: dict[str, float] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    fluid_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)


SPREAD = {"liver": 0.1, "spleen": 0.17, "kidney_right": 0.09, "kidney_left": 0.09, "gallbladder": 0.25, "stomach": 0.2}
"""Standard deviation of the logarithm of an organ's length between people."""
MISSING = {"spleen": 0.03, "kidney_right": 0.03, "kidney_left": 0.03, "gallbladder": 0.15}
"""Share of people without the organ."""


def random_build(rng: np.random.Generator) -> Build:
    """Draw one person."""
    woman = rng.random() < 0.5
    scale = {organ: float(np.exp(np.clip(rng.normal(0, sd), -2 * sd, 2.5 * sd))) for organ, sd in SPREAD.items()}
    missing = [organ for organ, share in MISSING.items() if rng.random() < share]
    if {"kidney_right", "kidney_left"} <= set(missing):
        missing.remove("kidney_left")
    phases: tuple[Phase, ...] = ("native", "arterial", "portal", "delayed")
    fluid = [float(rng.uniform(8, 35)) if rng.random() < share else 0.0 for share in (0.1, 0.1, 0.06)]
    return Build(
        fat_mm=float(np.clip(rng.lognormal(np.log(20 if woman else 15), 0.5), 4, 50)),
        belly=float(rng.beta(1.6, 2.2) * (0.8 if woman else 1.0)),
        hips=float(np.clip(rng.normal(0.7 if woman else 0.3, 0.15), 0, 1)),
        breasts_mm=float(rng.uniform(8, 45)) if woman else 0.0,
        age=float(rng.beta(2, 1.7)),
        breath_mm=float(rng.normal(0, 12)),
        arms=bool(rng.random() < 0.12),
        phase=phases[int(rng.choice(4, p=[0.3, 0.15, 0.45, 0.1]))],
        organ_scale=scale,
        missing=frozenset(missing),
        fluid_mm=(fluid[0], fluid[1], fluid[2]),
    )
