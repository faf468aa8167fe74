"""What may lie in a brain: gliomas of many kinds, metastases, cavities left by surgery, lesions of white matter."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from iunet_med.datasets.simulation.anatomy import Tissues
from iunet_med.datasets.simulation.fields import Grid, Volume, smooth_field
from iunet_med.datasets.simulation.tumor import EDEMA, ENHANCING, NECROSIS, Tumor, TumorPlan, grow_tumor, place_tumor

KINDS = {
    "none": 0.2,
    "rim": 0.3,
    "solid": 0.1,
    "patchy": 0.14,
    "non-enhancing": 0.18,
    "cystic": 0.06,
    "diffuse": 0.05,
    "cavity": 0.05,
}
"""How often each kind comes, in parts of their sum: a necrotic core in an enhancing rim, enhancing as a whole or in
patches, not enhancing, a cyst, oedema alone, a resection cavity."""
CORES = ("necrosis", "solid", "enhancing", "blood clot", "cavity")


@dataclass(frozen=True)
class Lesions:
    """Fractions of what replaces brain, each (X, Y, Z), and the labels.

    Args:
        core: fraction of each of `CORES`.
        edema: share of oedema in what is left of the brain.
        spots: share of white-matter lesions in what is left; background in the labels.
        label: values of BraTS 2023.
    """

    core: dict[str, Volume]
    edema: Volume
    spots: Volume
    label: NDArray[np.uint8]


def plan_foci(rng: np.random.Generator, tissues: Tissues, grid: Grid) -> tuple[str, list[TumorPlan]]:
    """A kind of `KINDS` and where it grows: in one place, in two or three, or in several small ones."""
    chances = np.array(list(KINDS.values()))
    kind = str(rng.choice(list(KINDS), p=chances / chances.sum()))
    if kind == "none":
        return kind, []
    number = int(rng.choice([1, 2, 3, 4, 5, 6], p=[0.72, 0.12, 0.06, 0.04, 0.03, 0.03]))
    return kind, [_plan(rng, kind, tissues, grid, share=1 if n == 0 else rng.uniform(0.05, 0.5)) for n in range(number)]


def _plan(rng: np.random.Generator, kind: str, tissues: Tissues, grid: Grid, *, share: float) -> TumorPlan:
    whole = share * float(np.clip(55 * np.exp(rng.normal(0, 0.9)), 3, 220))
    core = whole * float({"diffuse": 0.05, "non-enhancing": rng.uniform(0.3, 0.95)}.get(kind, rng.beta(2.2, 3)))
    shares = {"rim": rng.beta(2, 3), "cystic": rng.uniform(0.75, 0.93), "cavity": 0.9}
    necrotic = shares.get(kind, rng.uniform(0.02, 0.1))
    smallest = 4 * grid.spacing_mm**3 / 1000
    core = float(np.clip(core, 4 * smallest, 90))
    necrosis = max(core * float(necrotic), smallest)
    whole = max(whole, core * 1.1 + 2 * smallest)
    plan = place_tumor(rng, tissues, grid, whole_ml=whole, core_ml=core, necrosis_ml=necrosis)
    return replace(plan, pressure=float(rng.uniform(0, 0.9)))


def grow_lesions(rng: np.random.Generator, kind: str, plans: list[TumorPlan], tissues: Tissues, grid: Grid) -> Lesions:
    """Grow every focus in a brain that already gives way, and spots in its white matter."""
    core = {name: np.zeros(grid.shape, np.float32) for name in CORES}
    edema, label = np.zeros(grid.shape, np.float32), np.zeros(grid.shape, np.uint8)
    for plan in plans:
        tumor = grow_tumor(rng, plan, tissues, grid)
        parts, values = _cores(rng, kind, tumor, grid)
        rest = 1 - sum(parts.values())
        core = {name: volume * rest + parts.get(name, 0) for name, volume in core.items()}
        edema = np.maximum(edema, tumor.edema)
        inside = tumor.label > 0
        label = np.where(inside & ((values != EDEMA) | (label == 0)), values, label).astype(np.uint8)
    return Lesions(core, edema, _spots(rng, tissues, grid), label)


def _cores(
    rng: np.random.Generator, kind: str, tumor: Tumor, grid: Grid
) -> tuple[dict[str, Volume], NDArray[np.uint8]]:
    """Which tissue a focus's rim and inside are made of, and its labels."""
    label, rim, inner = tumor.label, tumor.enhancing, tumor.necrosis

    def cells(share: float) -> Volume:
        patches = 0.35 * smooth_field(rng, grid, length_mm=10) + 0.2 * smooth_field(rng, grid, length_mm=5)
        return np.asarray(np.clip(share + patches, 0, 1))

    if kind == "diffuse":
        return {"solid": rim + inner}, np.where(label > 0, EDEMA, 0).astype(np.uint8)
    if kind == "cavity":
        return {"cavity": rim + inner}, np.where(label == EDEMA, EDEMA, 0).astype(np.uint8)
    if kind == "non-enhancing":
        cyst = (rim + inner) * np.clip(2 * cells(float(rng.uniform(-0.6, 0.3))) - 1, 0, 1)
        return {"solid": rim + inner - cyst, "necrosis": cyst}, np.where(label == ENHANCING, NECROSIS, label)
    if kind == "patchy":
        shine = cells(float(rng.uniform(0.2, 0.7)))
        bright = np.clip(3 * (shine - 0.33), 0, 1)
        parts = {"enhancing": rim * bright, "solid": rim * (1 - bright) + inner}
        return parts, np.where((label == ENHANCING) & (bright < 0.5), NECROSIS, label)
    living = inner * cells(float(rng.uniform(-0.2, 0.8))) if kind == "rim" else 0 * inner
    inside = "blood clot" if rng.random() < 0.12 else "necrosis"
    return {"enhancing": rim, "solid": living, inside: inner - living}, label


def _spots(rng: np.random.Generator, tissues: Tissues, grid: Grid) -> Volume:
    """Share of lesions in white matter that are no tumour, (X, Y, Z): caps at the ventricles, and spots."""
    spots = np.zeros(grid.shape, np.float32)
    if rng.random() < 0.65:
        field = smooth_field(rng, grid, length_mm=float(rng.uniform(5, 9)))
        spots += np.clip(3 * (field - np.float32(rng.uniform(1.2, 2.6))), 0, 1)
    if rng.random() < 0.6:
        depth = ndimage.distance_transform_edt(tissues.mask, sampling=grid.spacing_mm)
        ventricles = (tissues.csf > 0.6) & (depth > 28)
        if ventricles.any():
            away = ndimage.distance_transform_edt(~ventricles, sampling=grid.spacing_mm).astype(np.float32)
            reach = float(rng.uniform(1, 12)) * (1 + 0.5 * smooth_field(rng, grid, length_mm=25))
            spots += np.clip((reach - away) / 2, 0, 1)
    return np.asarray(np.clip(spots, 0, 1) * tissues.wm, dtype=np.float32)
