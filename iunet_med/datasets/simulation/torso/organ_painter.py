"""What the organs below the diaphragm have in common: where they lie, their seam of fat, their grain, their lesions."""

import numpy as np

from iunet_med.datasets.simulation.fields import Volume
from iunet_med.datasets.simulation.torso.build import Build
from iunet_med.datasets.simulation.torso.canvas import Canvas
from iunet_med.datasets.simulation.torso.names import ORGAN_VALUES
from iunet_med.datasets.simulation.torso.shapes import ellipsoid
from iunet_med.datasets.simulation.torso.tissues import Tissues
from iunet_med.datasets.simulation.torso.trunk import Trunk


class OrganPainter:
    """Paints organs of one person.

    Args:
        canvas, trunk, build, tissues: the person.
        grain: fields of mean 0 and variance 1 that vary over centimetres and over millimetres.
        rng: where the organs lie, and what is in them.
    """

    def __init__(
        self,
        canvas: Canvas,
        trunk: Trunk,
        build: Build,
        tissues: Tissues,
        grain: tuple[Volume, Volume],
        rng: np.random.Generator,
    ) -> None:
        self.canvas, self.trunk, self.build, self.tissues, self.rng = canvas, trunk, build, tissues, rng
        self.coarse, self.fine = grain

    def size(self, organ: str) -> float:
        """Length of an organ relative to the mean."""
        return self.build.organ_scale.get(organ, 1.0)

    def place(self, centre: tuple[float, float, float], spread_mm: float) -> tuple[float, float, float]:
        """A place near the mean one."""
        x, y, z = np.asarray(centre) + self.rng.normal(0, spread_mm, 3)
        return float(x), float(y), float(z)

    def lay(
        self, organ: str, box: tuple[slice, slice, slice], level: Volume, hu: Volume | float, *, moat_mm: float
    ) -> None:
        """Paint an organ with a seam of fat around it."""
        if organ in self.build.missing:
            return
        seam = level - np.float32(moat_mm * (0.5 + self.build.belly))
        self.canvas.paint(box, np.maximum(seam, self.trunk.cavity[box] + 1), self.tissues["fat"] + 10, 0)
        self.canvas.paint(box, level, hu, ORGAN_VALUES[organ])

    def texture(self, tissue: str, box: tuple[slice, slice, slice], coarse: float = 2.0, fine: float = 2.0) -> Volume:
        """A tissue's Hounsfield units with its grain."""
        return np.asarray(self.tissues[tissue] + coarse * self.coarse[box] + fine * self.fine[box])

    def lesions(self, box: tuple[slice, slice, slice], level: Volume, organ: str, *, count: int) -> None:
        """Cysts and solid lesions, which belong to their organ."""
        p = self.canvas.at(box)
        inside = np.argwhere(level < -8)
        for _ in range(count if len(inside) else 0):
            i, j, k = inside[self.rng.integers(len(inside))]
            radius = float(np.clip(self.rng.lognormal(2.1, 0.5), 3, 28))
            ball = ellipsoid(
                p, tuple(float(q[i, j, k]) for q in p), tuple(radius * np.exp(self.rng.normal(0, 0.15, 3)))
            )
            cyst = self.rng.random() < 0.5
            hu = (
                self.tissues["fluid"] if cyst else self.tissues[organ if organ in self.tissues.values else "liver"] - 28
            )
            self.canvas.paint(box, np.maximum(ball + self.coarse[box], level + 0.5), hu)
