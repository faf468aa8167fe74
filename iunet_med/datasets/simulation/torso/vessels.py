"""The aorta and the great veins with their branches, and the muscles beside the spine that they pass."""

import numpy as np

from iunet_med.datasets.simulation.fields import Volume
from iunet_med.datasets.simulation.torso.build import Build
from iunet_med.datasets.simulation.torso.canvas import Canvas
from iunet_med.datasets.simulation.torso.names import ORGAN_VALUES
from iunet_med.datasets.simulation.torso.shapes import curve, tube
from iunet_med.datasets.simulation.torso.tissues import Tissues
from iunet_med.datasets.simulation.torso.trunk import Measures, Trunk


def paint_psoas(canvas: Canvas, trunk: Trunk, build: Build, tissues: Tissues, coarse: Volume) -> None:
    """The psoas, from the lumbar spine through the pelvis to the thigh, and the crura of the diaphragm."""
    measures = Measures(build)
    strong = 1.12 - 0.3 * build.age
    hu = tissues["muscle"]
    for sign in (-1, 1):
        points = [
            (sign * 24, -46, 22, 6),
            (sign * 34, -48, -20, 14),
            (sign * 44, -42, -70, 20),
            (sign * 54, -30, -120, 23),
        ]
        points += [
            (sign * 66, -8, -170, 22),
            (sign * 80, 20, -220, 19),
            (sign * 94, 24, -262, 16),
            (sign * 104, -4, -310, 12),
        ]
        line = curve(points, step_mm=10)
        box, level, _ = tube(canvas, line[:, :3], strong * line[:, 3])
        if level.size:
            canvas.paint(box, level - 1.5, tissues["fat"] + 20, 0)
            canvas.paint(box, level, hu + 3 * coarse[box], ORGAN_VALUES["iliopsoas"])
        line = curve([(sign * 22 - 3, -30, 78), (sign * 13 - 3, -26, 40), (sign * 9 - 3, -30, 0)], step_mm=8)
        box, level, _ = tube(canvas, line, np.linspace(6, 3.5, len(line)))
        canvas.paint(box, level, hu, 0)
        y = float(measures.spine(np.array([10.0]))[0])
        box, level, _ = tube(
            canvas,
            curve([(sign * 50, y - 12, 15), (sign * 68, y - 16, -50), (sign * 76, y - 12, -100)], step_mm=12),
            12.0,
        )
        canvas.paint(box, level, hu - 4)


def paint_vessels(canvas: Canvas, build: Build, tissues: Tissues, fine: Volume, rng: np.random.Generator) -> None:
    """Arteries and veins from the arch to the groins."""
    measures = Measures(build)

    def before_spine(z: float, x: float, gap: float) -> tuple[float, float, float]:
        deep = float(np.interp(z, (-131, 15, 150, 295), (18, 16, 14, 9)))
        return x, float(measures.spine(np.array([z]))[0]) + deep + gap, z

    wide = float(rng.uniform(0.9, 1.1)) * (0.92 + 0.22 * build.age)
    veins = 12 * float(rng.uniform(0.65, 1.05))
    down = [
        before_spine(z, -14 - (z > 100) * 8 + (z < -60) * 8, 10) for z in (214, 180, 140, 100, 60, 20, -20, -60, -94)
    ]
    arch = [(8, 14, 150), (14, 20, 190), (6, 10, 224), (-12, -16, 236), (-22, -38, 228)]
    cava = [(34, 0, 128 + build.breath_mm), (28, -24, 92), *(before_spine(z, 20, 10) for z in (50, 10, -30, -70, -108))]
    groin: list[list[tuple[float, float, float]]] = [
        [(s * 8 + 2, -12, -98), (s * 34, -22, -140), (s * 58, -12, -185), (s * 84, 36, -250), (s * 88, 52, -320)]
        for s in (-1, 1)
    ]
    pieces: list[tuple[list[tuple[float, float, float]], float, str, str | None]] = [
        ([(-6, 12, 158), (-4, 0, 184), (-22, -14, 194)], 13.0, "heart_blood", None),
        ([(-4, 0, 186), (26, -12, 190), (44, -20, 176)], 10.0, "heart_blood", None),
        ([(34, 8, 160), (28, 6, 200), (24, 8, 250), (40, 0, 300)], 9.0, "cava", None),
        ([(-50, 10, 300), (-20, 22, 262), (24, 10, 248)], 6.5, "cava", None),
        (cava, veins, "cava", "inferior_vena_cava"),
        *(([(x + 8, y - 8, z - 6) for x, y, z in line], 0.7 * veins, "cava", None) for line in groin),
        *((line, 5.5 * wide, "aorta", None) for line in groin),
        ([(10, 8, 226), (24, 6, 262), (38, 4, 320)], 4.5, "aorta", None),
        ([(-16, -18, 236), (-26, -8, 270), (-36, 0, 320)], 4.5, "aorta", None),
        ([(46, -44, -16), (22, -26, -8), (-10, -14, 0)], 3.2, "aorta", None),
        ([(-52, -44, 2), (-28, -28, 2), (18, -14, -2)], 4.2, "cava", None),
        ([(50, -38, -12), (30, -24, -8), (20, -18, -6)], 4.2, "cava", None),
        ([(-46, -44, 0), (-24, -26, -2), (-12, -18, 0)], 3.2, "aorta", None),
        ([before_spine(24, -12, 14), (-6, 16, 26), (20, 14, 36)], 3.4, "aorta", None),
        ([before_spine(8, -12, 14), (-6, 12, -20), (4, 18, -80)], 3.4, "aorta", None),
        ([(10, 14, -80), (14, 16, -20), (16, 14, 8), (20, 4, 34)], 6.0, "portal", "portal_vein_and_splenic_vein"),
        ([(16, 14, 6), (-30, 2, 22), (-66, -22, 44), (-84, -32, 52)], 4.5, "portal", "portal_vein_and_splenic_vein"),
        ([*arch, *down], 12.0 * wide, "aorta", "aorta"),
    ]
    for points, radius, tissue, name in pieces:
        line = curve(points, step_mm=8)
        taper = np.linspace(1.12, 0.78, len(line)) if name == "aorta" else 1.0
        box, level, along = tube(canvas, line, radius * taper * np.ones(len(line)))
        if not level.size:
            continue
        value = ORGAN_VALUES[name] if name else None
        canvas.paint(box, level, tissues[tissue] + 2 * fine[box], value)
        if tissue == "aorta" and radius > 5:  # calcified plaque
            plaque = np.where(
                fine[box] + np.sin(0.9 * along) * 0.4 > 2.6 - 1.5 * build.age, np.abs(level + 1) - 1.4, np.float32(9)
            )
            canvas.paint(box, plaque, 420)
