"""MR images from tissue fractions: relaxation, pulse sequence, coil, point spread and noise."""

from collections.abc import Mapping
from math import exp
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from iunet_med.datasets.simulation.anatomy import Tissues
from iunet_med.datasets.simulation.fields import Grid, Volume, smooth_field
from iunet_med.datasets.simulation.tumor import Tumor

Signal = Volume | float


class Relaxation(NamedTuple):
    """T1 and T2 in ms at 3 T, and proton density relative to water."""

    t1: float
    t2: float
    density: float


RELAXATION = {
    "wm": Relaxation(832, 80, 0.70),
    "gm": Relaxation(1331, 110, 0.82),
    "csf": Relaxation(4000, 1800, 1.00),
    "blood": Relaxation(1624, 50, 0.80),
    "edema": Relaxation(1450, 200, 0.88),
    "enhancing": Relaxation(1450, 140, 0.86),
    "solid": Relaxation(1450, 140, 0.86),
    "necrosis": Relaxation(2500, 280, 0.95),
}
"""White and grey matter: Wansapura et al., JMRI 9 (1999) 531. T1 of fluid and blood: Lu et al., JMRI 22 (2005) 13 and
MRM 52 (2004) 679. Tumour: T1 in the range of 1.3-1.9 s that fingerprinting found in and around gliomas (de Blank et
al., J. Neurosurg. Pediatr. 23 (2019) 364), longer where there is necrosis. T2 of tumour and fluid, and the densities,
are typical values, chosen so that the contrasts to white matter are those of clinical scans."""

SPREAD = {
    "wm": 0.04,
    "gm": 0.04,
    "csf": 0.02,
    "blood": 0.1,
    "edema": 0.1,
    "enhancing": 0.1,
    "solid": 0.1,
    "necrosis": 0.2,
}
"""Relative standard deviation of T1 and T2 between subjects."""

RELAXIVITY = 4.5e-3
"""Of gadolinium chelates in plasma at 3 T, per ms and mmol/l: Rohrer et al., Invest. Radiol. 40 (2005)."""


COIL_SPREAD = (0.02, 0.08)
"""Relative standard deviation of the coil's profile. Five of them span a brain: 10 to 40 % from end to end, 40 % being
the strongest non-uniformity of the BrainWeb phantom (Kwan et al., IEEE TMI 18 (1999) 1085)."""


def spoiled_gradient_echo(tissue: Relaxation, *, tr: float, flip: float, gadolinium: Signal = 0.0) -> Signal:
    """Steady-state signal of a T1-weighted sequence; flip in radians, gadolinium in mmol/l (voxels or one number)."""
    e1 = np.exp(-tr * (1 / tissue.t1 + RELAXIVITY * gadolinium))
    signal: Signal = np.float32(tissue.density * np.sin(flip)) * (1 - e1) / (1 - np.float32(np.cos(flip)) * e1)
    return signal


def spin_echo(tissue: Relaxation, *, tr: float, te: float) -> float:
    """Signal of a T2-weighted sequence."""
    return tissue.density * (1 - exp(-tr / tissue.t1)) * exp(-te / tissue.t2)


def flair(tissue: Relaxation, *, tr: float, te: float, ti: float) -> float:
    """Magnitude after fluid-attenuating inversion recovery."""
    recovered = 1 - 2 * exp(-ti / tissue.t1) + exp(-tr / tissue.t1)
    return tissue.density * abs(recovered) * exp(-te / tissue.t2)


def acquire(rng: np.random.Generator, tissues: Tissues, tumor: Tumor, grid: Grid) -> dict[str, Volume]:
    """The four scans of one session: "t1", "t1c", "t2", "flair", each (X, Y, Z) float32, 0 outside the brain."""
    parts = _mixture(rng, tissues, tumor, grid)
    body = {name: _individual(rng, name) for name in RELAXATION}
    tr, flip = float(rng.uniform(12, 18)), float(np.radians(rng.uniform(26, 34)))
    t2_scan = {"tr": float(rng.uniform(4000, 6000)), "te": float(rng.uniform(65, 90))}
    flair_scan = {"tr": 9000.0, "te": float(rng.uniform(85, 120)), "ti": float(rng.uniform(2300, 2450))}
    agent = _gadolinium(rng, grid)
    signals: dict[str, dict[str, Signal]] = {
        "t1": {n: spoiled_gradient_echo(r, tr=tr, flip=flip) for n, r in body.items()},
        "t1c": {n: spoiled_gradient_echo(r, tr=tr, flip=flip, gadolinium=agent[n]) for n, r in body.items()},
        "t2": {n: spin_echo(r, **t2_scan) for n, r in body.items()},
        "flair": {n: flair(r, **flair_scan) for n, r in body.items()},
    }
    # Structure beyond the fractions (deep grey matter) is bright on T1 and dark on T2 where myelin or iron is.
    weight = {"t1": 0.9, "t1c": 0.9, "t2": -0.7, "flair": -0.4}
    healthy = parts["wm"] + parts["gm"]
    grain = smooth_field(rng, grid, length_mm=4) * (0.02 * healthy + 0.05 * (1 - healthy - parts["csf"]))
    images = {}
    for name, signal in signals.items():
        ideal = np.zeros(grid.shape, np.float32)
        for tissue, value in signal.items():
            ideal += parts[tissue] * np.asarray(value, np.float32)
        white = np.float32(signal["wm"])
        ideal += white * np.float32(weight[name]) * tissues.detail * healthy
        ideal *= 1 + np.float32(np.sign(weight[name])) * grain
        images[name] = _scan(rng, ideal, white, grid) * tissues.mask
    return images


def _mixture(rng: np.random.Generator, tissues: Tissues, tumor: Tumor, grid: Grid) -> dict[str, Volume]:
    """Fraction of every tissue in every voxel; they add up to one."""
    core = tumor.necrosis + tumor.enhancing
    cells = 0.35 + 0.3 * smooth_field(rng, grid, length_mm=10) + 0.2 * smooth_field(rng, grid, length_mm=5)
    solid = tumor.necrosis * np.clip(cells + np.float32(rng.uniform(-0.3, 0.3)), 0, 1)
    tubes = smooth_field(rng, grid, length_mm=11) ** 2 + smooth_field(rng, grid, length_mm=11) ** 2
    vessel = np.exp(-tubes / np.float32(0.02)) * np.clip(3 * tissues.csf - 0.3, 0, 1) * tissues.gm ** np.float32(0.5)
    rest = (1 - core) * (1 - vessel)
    wet_wm, wet_gm = tissues.wm * tumor.edema, tissues.gm * tumor.edema * np.float32(0.6)
    return {
        "wm": rest * (tissues.wm - wet_wm),
        "gm": rest * (tissues.gm - wet_gm),
        "csf": rest * tissues.csf,
        "blood": (1 - core) * vessel,
        "edema": rest * (wet_wm + wet_gm),
        "enhancing": tumor.enhancing,
        "solid": solid,
        "necrosis": tumor.necrosis - solid,
    }


def _individual(rng: np.random.Generator, name: str) -> Relaxation:
    """Relaxation of one subject's tissue; more water prolongs T1 and T2 together."""
    mean = RELAXATION[name]
    water, own = rng.normal(0, SPREAD[name]), rng.normal(0, 0.3 * SPREAD[name], 2)
    t1, t2 = np.exp(water + own)
    return Relaxation(mean.t1 * t1, mean.t2 * t2, mean.density)


def _gadolinium(rng: np.random.Generator, grid: Grid) -> Mapping[str, Signal]:
    """Concentration in mmol/l some minutes after injection.

    0.2 mmol/l shortens the T1 of the rim by some 800 ms; 838 ms were measured (Quantitative T1 mapping indicates tumor
    infiltration beyond the enhancing part of glioblastomas, NMR Biomed. 33, 2020)."""
    patches = np.exp(0.3 * smooth_field(rng, grid, length_mm=10) + 0.25 * smooth_field(rng, grid, length_mm=5))
    leak = np.float32(rng.uniform(0.12, 0.35))
    return {
        "wm": 0.01,
        "gm": 0.02,
        "csf": 0.0,
        "blood": 1.0,
        "edema": 0.01,
        "enhancing": leak * patches,
        "solid": float(rng.uniform(0.01, 0.06)),
        "necrosis": float(rng.uniform(0, 0.03)),
    }


def _scan(rng: np.random.Generator, ideal: Volume, white: np.float32, grid: Grid) -> Volume:
    """What the scanner makes of an ideal image: blur (another along one axis), coil profile, Rician noise, scale."""
    blur_mm = np.full(3, rng.uniform(0.5, 0.8))
    blur_mm[rng.integers(3)] = rng.uniform(0.6, 1.7)
    blurred = ndimage.gaussian_filter(ideal, blur_mm / grid.spacing_mm)
    coil = np.exp(np.float32(rng.uniform(*COIL_SPREAD)) * smooth_field(rng, grid, length_mm=90))
    sigma = white / np.float32(rng.uniform(25, 55))
    real, imaginary = (sigma * rng.standard_normal(grid.shape, dtype=np.float32) for _ in range(2))
    magnitude: Volume = np.hypot(blurred * coil + real, imaginary)
    magnitude *= np.float32(np.exp(rng.uniform(np.log(200), np.log(1500)))) / white
    return magnitude
