"""How bright each tissue is in each modality, drawn anew for every case."""

from collections.abc import Mapping

import numpy as np

from iunet_med.datasets.simulation.anatomy import Tissues
from iunet_med.datasets.simulation.domain.lesions import Lesions
from iunet_med.datasets.simulation.fields import Grid, Volume, smooth_field

Range = tuple[float, float]

SIGNALS: Mapping[str, Mapping[str, Range]] = {
    "gm": {"t1": (0.6, 0.92), "t1c": (0.65, 0.97), "t2": (1.05, 1.7), "flair": (0.95, 1.5)},
    "csf": {"t1": (0.15, 0.55), "t1c": (0.15, 0.55), "t2": (1.5, 3.6), "flair": (0.1, 0.85)},
    "vessel": {"t1": (0.3, 1.3), "t1c": (1.0, 2.6), "t2": (0.2, 1.2), "flair": (0.2, 1.2)},
    "edema": {"t1": (0.5, 0.95), "t1c": (0.5, 0.95), "t2": (1.4, 3.0), "flair": (1.35, 2.6)},
    "enhancing": {"t1": (0.45, 1.0), "t1c": (1.08, 2.6), "t2": (1.0, 2.3), "flair": (1.0, 2.2)},
    "solid": {"t1": (0.45, 0.92), "t1c": (0.45, 0.95), "t2": (1.3, 2.8), "flair": (1.15, 2.4)},
    "necrosis": {"t1": (0.2, 0.7), "t1c": (0.2, 0.7), "t2": (1.4, 3.4), "flair": (0.3, 1.9)},
    "blood clot": {"t1": (0.8, 1.8), "t1c": (0.8, 1.8), "t2": (0.3, 2.0), "flair": (0.4, 2.0)},
    "cavity": {"t1": (0.15, 0.5), "t1c": (0.15, 0.5), "t2": (1.6, 3.4), "flair": (0.1, 0.8)},
    "spots": {"t1": (0.55, 0.95), "t1c": (0.55, 0.95), "t2": (1.2, 2.2), "flair": (1.2, 2.2)},
    "rim": {"t1": (0.2, 2.0), "t1c": (0.3, 2.5), "t2": (0.2, 2.0), "flair": (0.2, 2.0)},
}
"""Ranges in units of white matter: those of clinical scans, widened by about a third. A judgement, not measured."""

DETAIL: Mapping[str, Range] = {"t1": (0.5, 1.2), "t1c": (0.5, 1.2), "t2": (-1.0, -0.3), "flair": (-0.7, 0.1)}
"""Weight of deep grey matter's signal beyond that of the tissues."""

GRAIN: Mapping[str, Range] = {"healthy": (0.0, 0.05), "ill": (0.03, 0.2)}
"""Relative standard deviation of signal within a tissue."""


def draw_signals(rng: np.random.Generator) -> dict[str, dict[str, float]]:
    """Signal of every tissue by modality, white matter being 1.

    A case's tumour is as conspicuous in one modality as in another: faint ones are faint in all."""
    force = rng.uniform(0.45, 1.1)
    signals: dict[str, dict[str, float]] = {name: {"wm": 1.0} for name in DETAIL}
    for tissue, ranges in SIGNALS.items():
        for name, (low, high) in ranges.items():
            value = rng.uniform(low, high)
            faint = tissue in ("edema", "solid", "spots")
            signals[name][tissue] = 1 + (value - 1) * force if faint else value
    share = rng.uniform(0.2, 0.95)  # without agent t1c looks like t1
    for tissue in ("gm", "csf", "edema", "solid", "necrosis", "blood clot", "cavity", "spots"):
        t1, t1c = signals["t1"][tissue], signals["t1c"][tissue]
        signals["t1c"][tissue] = share * t1 + (1 - share) * t1c
    return signals


def mixture(rng: np.random.Generator, tissues: Tissues, lesions: Lesions, grid: Grid) -> dict[str, Volume]:
    """Fraction of every tissue in every voxel; they add up to one."""
    tubes = smooth_field(rng, grid, length_mm=11) ** 2 + smooth_field(rng, grid, length_mm=11) ** 2
    vessel = np.exp(-tubes / np.float32(0.02)) * np.clip(3 * tissues.csf - 0.3, 0, 1) * tissues.gm ** np.float32(0.5)
    rest = (1 - sum(lesions.core.values())) * (1 - vessel)
    wet_wm, wet_gm = tissues.wm * lesions.edema, tissues.gm * lesions.edema * np.float32(0.6)
    spots = lesions.spots * (tissues.wm - wet_wm)
    return {
        "wm": rest * (tissues.wm - wet_wm - spots),
        "gm": rest * (tissues.gm - wet_gm),
        "csf": rest * tissues.csf,
        "vessel": (1 - sum(lesions.core.values())) * vessel,
        "edema": rest * (wet_wm + wet_gm),
        "spots": rest * spots,
        **lesions.core,
    }


def ideal_images(
    rng: np.random.Generator,
    tissues: Tissues,
    parts: Mapping[str, Volume],
    grid: Grid,
    *,
    real: Mapping[str, Volume] | None = None,
) -> dict[str, Volume]:
    """The four modalities before a scanner blurs them, (X, Y, Z), white matter at 1.

    `real` are a real head's images on this grid; then the healthy tissues keep their own look."""
    signals = draw_signals(rng)
    healthy = parts["wm"] + parts["gm"] + (parts["csf"] + parts["vessel"] if real else 0)
    ill = 1 - healthy - (0 if real else parts["csf"])
    coarse, fine = smooth_field(rng, grid, length_mm=12), smooth_field(rng, grid, length_mm=4)
    shell = np.clip(smooth_field(rng, grid, length_mm=14) + 0.6 * smooth_field(rng, grid, length_mm=6), 0, 1)
    images = {}
    for name, signal in signals.items():
        own = real[name] if real else None
        image = np.zeros(grid.shape, np.float32) if own is None else healthy * own
        for tissue, fraction in parts.items():
            if own is None or tissue not in ("wm", "gm", "csf", "vessel"):
                image += fraction * np.float32(signal[tissue])
        roughness = np.float32(rng.uniform(*GRAIN["ill"])) * ill
        if own is None:
            image += np.float32(rng.uniform(*DETAIL[name])) * tissues.detail * healthy
            roughness += np.float32(rng.uniform(*GRAIN["healthy"])) * healthy
        patches = smooth_field(rng, grid, length_mm=6)
        image *= np.exp(roughness * (0.6 * patches + 0.5 * coarse + 0.6 * fine))
        images[name] = np.where(tissues.mask, image, np.float32(signal["rim"]) * shell)
    return images
