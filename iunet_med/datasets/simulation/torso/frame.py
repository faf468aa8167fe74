"""What part of the body is scanned, how it lies, and on which voxels it is stored."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iunet_med.datasets.simulation.fields import Grid, Volume
from iunet_med.datasets.simulation.torso.build import Build
from iunet_med.datasets.simulation.torso.shapes import turn

RANGES_MM = {
    "abdomen": ((-120, 35), (135, 30)),
    "abdomen and pelvis": ((-300, 25), (130, 30)),
    "chest": ((10, 35), (318, 10)),
    "torso": ((-300, 25), (318, 10)),
    "slab": ((0, 110), (90, 110)),
}
"""Mean and spread of the lowest and the highest slice of a scan, in mm above vertebra L1."""
SHARES = (0.25, 0.3, 0.12, 0.23, 0.1)


@dataclass(frozen=True)
class Frame:
    """Where the scanner's box lies in the body.

    Args:
        fov_mm, corner_mm: of the scanner's box, right, front, up.
        size: the body's size relative to the mean along each axis.
        pose: how the body is turned on the table, (3, 3).
        oblique: how the scanner's axes lie in the world, (3, 3).
        origin_mm: the world's place of the scanner's zero.
        flips: which stored axes run the other way.
        padding: Hounsfield units outside the round field of view; None where it is square.
    """

    fov_mm: tuple[float, float, float]
    corner_mm: tuple[float, float, float]
    size: tuple[float, float, float]
    pose: NDArray[np.float64]
    oblique: NDArray[np.float64]
    origin_mm: NDArray[np.float64]
    flips: tuple[bool, bool, bool]
    padding: int | None

    def grid(self, spacing_mm: float) -> Grid:
        """The scanner's voxels."""
        return Grid(spacing_mm, self.fov_mm, self.corner_mm)

    @property
    def to_body(self) -> NDArray[np.float64]:
        """Scanner mm to body mm, (3, 3)."""
        return np.asarray(np.diag(1 / np.array(self.size)) @ self.pose.T)

    def places(self, spacing_mm: float) -> Volume:
        """For each of the scanner's voxels its place in the body, (3, X, Y, Z) mm."""
        x, y, z = self.grid(spacing_mm).axes()
        return np.stack([a * x + b * y + c * z for a, b, c in self.to_body.astype(np.float32)])


def draw_frame(rng: np.random.Generator, build: Build) -> Frame:
    """Draw a scan of one person."""
    size = np.exp(np.clip(rng.normal(0, (0.065, 0.065, 0.06)), -0.15, 0.15))
    kind = str(rng.choice(list(RANGES_MM), p=SHARES))
    (low, low_sd), (high, high_sd) = RANGES_MM[kind]
    bottom, top = rng.normal(low, low_sd) * size[2], rng.normal(high, high_sd) * size[2]
    if kind == "slab":
        middle, half = (bottom + top) / 2, rng.uniform(30, 70)
        bottom, top = np.clip(middle, -250, 280) - half, np.clip(middle, -250, 280) + half
    body = 2 * (150 + build.fat_mm + 15 * build.belly) * size[0]
    wide = float(np.clip(body * rng.normal(1.12, 0.08) + 60 * build.arms * rng.random(), 260, 500))
    deep = wide * float(rng.uniform(0.75, 1.0))
    shift = rng.normal(0, (10, 8))
    table = float(rng.uniform(0, 20))
    turned = turn(*rng.normal(0, (2.5, 2.5, 4.0)))
    oblique = turn(*(rng.uniform(-14, 14, 3) * (rng.random() < 0.15)))
    flips = (
        (False, False, False)
        if rng.random() < 0.4
        else (bool(rng.integers(2)), bool(rng.integers(2)), bool(rng.random() < 0.2))
    )
    round_ = rng.random() < 0.45
    return Frame(
        fov_mm=(wide, deep, float(max(top - bottom, 60))),
        corner_mm=(-wide / 2 + shift[0], -deep / 2 - 10 - table + shift[1], bottom),
        size=(float(size[0]), float(size[1]), float(size[2])),
        pose=turned,
        oblique=oblique,
        origin_mm=rng.normal(0, (20, 120, 500)),
        flips=flips,
        padding=int(rng.choice([-1024, -1000, -2000, -3024], p=[0.5, 0.2, 0.15, 0.15])) if round_ else None,
    )
