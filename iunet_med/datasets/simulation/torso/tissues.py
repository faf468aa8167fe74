"""Hounsfield units of tissues, by the phase of the contrast medium."""

from dataclasses import dataclass

import numpy as np

from iunet_med.datasets.simulation.torso.build import Build, Phase

_PHASES: tuple[Phase, ...] = ("native", "arterial", "portal", "delayed")
ENHANCED: dict[str, tuple[tuple[float, float, float, float], float]] = {
    "liver": ((56, 66, 108, 90), 0.10),
    "spleen": ((47, 105, 118, 92), 0.10),
    "cortex": ((33, 150, 170, 140), 0.15),
    "medulla": ((30, 60, 150, 150), 0.15),
    "pancreas": ((38, 88, 85, 68), 0.13),
    "adrenal": ((20, 55, 60, 45), 0.2),
    "stomach_wall": ((38, 60, 75, 65), 0.12),
    "bowel_wall": ((36, 65, 85, 70), 0.15),
    "muscle": ((52, 56, 62, 60), 0.08),
    "myocardium": ((44, 90, 105, 85), 0.12),
    "heart_blood": ((42, 250, 145, 100), 0.15),
    "aorta": ((42, 290, 150, 105), 0.15),
    "cava": ((40, 65, 125, 105), 0.15),
    "portal": ((42, 95, 160, 110), 0.15),
    "thyroid": ((100, 160, 150, 130), 0.15),
    "prostate": ((38, 50, 70, 65), 0.15),
    "urine": ((6, 6, 12, 250), 0.4),
}
"""Mean in the phases native, arterial, portal and delayed, and relative spread between people: typical clinical
values. The liver has 55 to 65 HU native and 100 to 120 in the portal phase, the spleen 10 less native; the cortex of
the kidney enhances before the medulla; the aorta reaches 250 to 350 HU in the arterial phase."""
FIXED = {
    "fat": (-106, 6),
    "skin": (15, 12),
    "fluid": (8, 6),
    "bile": (8, 6),
    "cartilage": (95, 15),
    "disc": (82, 10),
    "cord": (35, 5),
    "lung": (-835, 45),
    "breast": (25, 15),
}
"""Mean and standard deviation between people of what takes up no contrast medium."""
AIR = -1000.0


@dataclass(frozen=True)
class Tissues:
    """The Hounsfield units of one person, by tissue."""

    values: dict[str, float]

    def __getitem__(self, name: str) -> float:
        return self.values[name]


def draw_tissues(rng: np.random.Generator, build: Build) -> Tissues:
    """Draw a person's Hounsfield units; fatty livers, thin bone and fatty muscle come with age and weight."""
    phase = _PHASES.index(build.phase)
    dose = float(rng.uniform(0.75, 1.2))  # of contrast medium, for the body's weight
    values = {}
    for name, (means, spread) in ENHANCED.items():
        native = means[0] * (1 + spread * rng.normal())
        gain = (means[phase] - means[0]) * dose * (1 + spread * rng.normal())
        values[name] = float(native + gain)
    values |= {name: float(mean + sd * rng.normal()) for name, (mean, sd) in FIXED.items()}
    values["liver"] -= float(rng.exponential(6) + (rng.uniform(15, 45) if rng.random() < 0.12 else 0))
    values["muscle"] -= float(rng.uniform(0, 28) * build.age)
    bone = float(np.clip(rng.normal(240 - 140 * build.age, 30), 40, 320))
    values |= {"marrow": bone, "cortical": float(rng.uniform(450, 800) - 150 * build.age)}
    return Tissues(values)
