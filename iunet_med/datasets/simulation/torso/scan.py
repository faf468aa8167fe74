"""What the scanner makes of a body: table, metal, blur, noise, the round field of view and its padding."""

import numpy as np
from scipy import ndimage

from iunet_med.datasets.simulation.fields import Grid, Volume
from iunet_med.datasets.simulation.torso.canvas import Canvas


def paint_table(canvas: Canvas, skin: Volume, grid: Grid, rng: np.random.Generator) -> None:
    """A curved shell of carbon around foam, below the deepest part of the back."""
    x, y, _ = grid.axes()
    rows = np.flatnonzero((skin < 0).any((0, 2)))
    lowest = float(y[0, rows[0], 0]) if len(rows) else -150.0
    bend = float(rng.uniform(0.0006, 0.0016))
    top = y - np.float32(lowest - 4) - np.float32(bend) * x * x
    thick, wide = float(rng.uniform(16, 45)), float(rng.uniform(190, 260))
    slab = np.maximum(np.abs(top + np.float32(thick / 2)) - np.float32(thick / 2), np.abs(x) - np.float32(wide))
    outside = np.maximum(slab, 2 - skin)
    canvas.paint(canvas.whole, outside, float(rng.uniform(-700, -250)))
    canvas.paint(canvas.whole, np.maximum(outside, slab + 3), float(rng.uniform(-960, -900)))


def scan(hu: Volume, spacing_mm: float, metal: Volume | None, rng: np.random.Generator) -> Volume:
    """Blur, noise of the dose, and streaks of metal; (X, Y, Z) Hounsfield units with z along the body."""
    hu = ndimage.gaussian_filter(hu, float(rng.uniform(0.25, 0.45)) + 0.5 / spacing_mm)
    noisy = with_noise(hu, spacing_mm, rng)
    if metal is not None:
        noisy = noisy + _streaks(metal, rng)
    return np.asarray(noisy, np.float32)


def with_noise(hu: Volume, spacing_mm: float, rng: np.random.Generator) -> Volume:
    """Noise of a dose that is drawn, soft within the slices; (X, Y, Z) Hounsfield units with z along the body."""
    sd = float(np.exp(rng.uniform(np.log(4), np.log(26)))) * (1.5 / max(spacing_mm, 1.0)) ** 0.6
    grain = rng.standard_normal(hu.shape, dtype=np.float32)
    soft = ndimage.gaussian_filter1d(ndimage.gaussian_filter1d(grain, 0.55, 0), 0.55, 1)
    soft /= max(float(soft.std()), 1e-6)
    # The noise of a slice grows with what the rays have to pass, most along the width of shoulders and hips.
    path = np.maximum(hu + 1000, 0).sum(0, keepdims=True) * np.float32(spacing_mm / 1000 / 360)
    return np.asarray(hu + soft * np.float32(sd) * np.clip(np.exp(0.9 * (path - 0.9)), 0.5, 3), np.float32)


def _streaks(metal: Volume, rng: np.random.Generator) -> Volume:
    """Bright and dark rays that leave the metal of each slice."""
    streaks = np.zeros_like(metal)
    for k in np.flatnonzero(metal.any((0, 1))):
        x, y = np.nonzero(metal[:, :, k])
        dx = np.arange(metal.shape[0], dtype=np.float32)[:, None] - x.mean()
        dy = np.arange(metal.shape[1], dtype=np.float32)[None, :] - y.mean()
        angle = np.arctan2(dy, dx)
        wave = sum(
            a * np.cos(n * angle + p)
            for n, a, p in zip((2, 4, 7, 12, 19), (1, 1, 0.8, 0.6, 0.5), rng.uniform(0, 6.3, 5), strict=True)
        )
        streaks[:, :, k] = 150 * wave * np.sqrt(len(x)) / (np.sqrt(dx**2 + dy**2) + 4) * 2
    return np.clip(streaks, -500, 700)


def add_metal(canvas: Canvas, rng: np.random.Generator) -> Volume | None:
    """A hip replacement, screws in the spine, or clips; None for most people."""
    if rng.random() > 0.08:
        return None
    from iunet_med.datasets.simulation.torso.shapes import ellipsoid, tube

    before = canvas.hu.copy()
    kind = int(rng.integers(3))
    if kind == 0:
        side = float(rng.choice([-1, 1]))
        box, level, _ = tube(
            canvas,
            np.array([[side * 96, 0, -270], [side * 140, -10, -305], [side * 140, -6, -420]]),
            np.array([22.0, 12, 8]),
        )
        canvas.paint(box, level, 3000)
    elif kind == 1:
        for z in (-95, -58, -21):
            for side in (-1, 1):
                box, level, _ = tube(canvas, np.array([[side * 26.0, -82, z], [side * 12.0, -44, z]]), 3.2)
                canvas.paint(box, level, 3000)
    else:
        for _ in range(int(rng.integers(2, 6))):
            centre = np.array([38.0, 10, 12]) + rng.normal(0, 7, 3)
            box = canvas.box(centre - 8, centre + 8)
            canvas.paint(box, ellipsoid(canvas.at(box), tuple(centre), (2.5, 2.5, 4)), 2500)
    changed = canvas.hu > np.maximum(before + 600, 1500)
    return changed.astype(np.float32) if changed.any() else None
