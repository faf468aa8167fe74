"""Stomach, spleen and pancreas."""

import numpy as np

from iunet_med.datasets.simulation.torso.organ_painter import OrganPainter
from iunet_med.datasets.simulation.torso.shapes import common, curve, ellipsoid, tube, turn
from iunet_med.datasets.simulation.torso.tissues import AIR


def paint_stomach(person: OrganPainter) -> None:
    """A bag below the left dome, with fluid, food or contrast medium and gas on top."""
    s = person.size("stomach")
    full = float(person.rng.uniform(0.75, 1.25)) * s
    points = [
        (-52, -38, 88, 24 * full),
        (-66, -18, 74, 37 * full),
        (-68, 16, 44, 31 * full),
        (-46, 46, 14, 24 * full),
    ]
    points += [(-10, 52, 0, 19 * s), (22, 42, 6, 14 * s), (36, 30, 8, 9)]
    line = curve([(*person.place(p[:3], 5), p[3]) for p in points], step_mm=9)
    box, level, _ = tube(person.canvas, line[:, :3], line[:, 3])
    if not level.size:
        return
    p = person.canvas.at(box)
    level = common(
        level + 2 * person.coarse[box], person.trunk.cavity[box] + 2, person.trunk.diaphragm[box] + 3, smooth_mm=5
    )
    person.lay("stomach", box, level, person.texture("stomach_wall", box), moat_mm=3)
    inner = level + np.float32(person.rng.uniform(3, 7)) + 1.5 * person.fine[box] * 0.5
    kind = person.rng.choice(4, p=[0.4, 0.35, 0.1, 0.15])
    content = (12.0, 35.0, float(person.rng.uniform(150, 400)), 50.0)[kind]
    person.canvas.paint(box, inner, content + (18 * person.fine[box] if kind in (1, 3) else 0))
    surface = np.float32(person.rng.uniform(10, 70))
    if kind == 3:
        person.canvas.paint(box, np.maximum(inner, 1.1 - person.fine[box]), -350)
    person.canvas.paint(box, np.maximum(inner, surface - p[1]), AIR + 15)


def paint_spleen(person: OrganPainter) -> None:
    """A crescent between stomach and the left wall."""
    s = person.size("spleen")
    box = person.canvas.box((-190, -140, -90), (0, 70, 150))
    p = person.canvas.at(box)
    if not p.size:
        return
    centre = person.place((-96 - 4 * (s - 1), -50, 58 - 25 * (s - 1)), 5)
    bulk = ellipsoid(p, centre, (38 * s, 48 * s, 59 * s), turn(x=28, y=-12, z=22))
    hollow = ellipsoid(p, person.place((-48, 6, 56), 5), (40, 38, 54), turn(z=20))
    level = common(
        bulk + 3 * person.coarse[box],
        person.trunk.cavity[box] + 2.5,
        person.trunk.diaphragm[box] + 3,
        -hollow + 4 * (s - 1),
        smooth_mm=6,
    )
    grain = (14.0, 6.0) if person.build.phase == "arterial" else (2.0, 2.0)  # the pulp fills in stripes
    hu = person.texture("spleen", box, *grain)
    person.lay("spleen", box, level, hu, moat_mm=1.5)
    if "spleen" not in person.build.missing:
        person.lesions(box, level, "spleen", count=int(person.rng.poisson(0.1)))


def paint_pancreas(person: OrganPainter) -> None:
    """From the duodenum over the great vessels towards the spleen, lobed where there is fat."""
    points = [
        (36, 6, -22, 12),
        (26, 18, 0, 13),
        (2, 26, 16, 10),
        (-28, 8, 28, 10),
        (-62, -16, 42, 10),
        (-82, -28, 50, 7),
    ]
    line = curve([(*person.place(p[:3], 4), p[3] * (1.1 - 0.35 * person.build.age)) for p in points], step_mm=7)
    box, level, _ = tube(person.canvas, line[:, :3], line[:, 3])
    if level.size:
        lobes = level + (1.5 + 2 * person.build.age) * person.fine[box]
        person.canvas.paint(box, level - 5, person.tissues["fat"] + 20, 0)
        person.lay("pancreas", box, lobes, person.texture("pancreas", box, 3, 8), moat_mm=0)
