"""Free fluid of the abdomen."""

import numpy as np

from iunet_med.datasets.simulation.torso.build import Build
from iunet_med.datasets.simulation.torso.canvas import Canvas
from iunet_med.datasets.simulation.torso.tissues import Tissues
from iunet_med.datasets.simulation.torso.trunk import Trunk


def paint_ascites(canvas: Canvas, trunk: Trunk, build: Build, tissues: Tissues) -> None:
    """Free fluid of the abdomen, which collects in front of the wall at the sides."""
    if build.fluid_mm[2]:
        level = np.maximum(
            np.maximum(trunk.cavity + 2, trunk.diaphragm + 3), -trunk.cavity - np.float32(build.fluid_mm[2])
        )
        canvas.paint(canvas.whole, np.maximum(level, canvas.place[1] - 60), tissues["fluid"], 0)
