"""Liver with its vessels, and gallbladder."""

import numpy as np
from numpy.typing import NDArray

from iunet_med.datasets.simulation.fields import Volume
from iunet_med.datasets.simulation.torso.names import ORGAN_VALUES
from iunet_med.datasets.simulation.torso.organ_painter import OrganPainter
from iunet_med.datasets.simulation.torso.shapes import common, curve, ellipsoid, tube


def paint_liver(person: OrganPainter) -> None:
    """All of the right dome and part of the left one, cut off below by the slanting visceral surface."""
    s = person.size("liver")
    box = person.canvas.box((-140, -125, -150), (165, 140, 150))
    p = person.canvas.at(box)
    if not p.size:
        return
    rng, x, y, z = person.rng, p[0], p[1], p[2]
    tilt = np.array([-0.45, -0.36, -0.82]) + rng.normal(0, 0.05, 3)
    tilt /= np.linalg.norm(tilt)
    base = np.array([30.0, 5, 12]) + np.array([0, 0, -58 * (s - 1) * 2.2]) + rng.normal(0, 6, 3)
    under = sum(np.float32(n) * (q - np.float32(b)) for n, q, b in zip(tilt, p, base, strict=True))
    tail = np.maximum(x - 70, 0) * np.float32(rng.uniform(0.0, 0.5))  # a right lobe that hangs down
    under = under - tail + 6 * person.coarse[box]
    rear = -(y + 22 + 0.5 * x + 0.0042 * x * np.maximum(x, 0)) * np.float32(0.85)
    reach = float(rng.uniform(45, 105)) * s
    thin = -person.trunk.diaphragm[box] - (62 * np.float32(s) + 0.55 * x - 0.10 * y)
    left = np.where(x < 25, thin, thin - 2 * (x - 25))
    level = common(
        person.trunk.cavity[box] + 2.5,
        person.trunk.diaphragm[box] + 3,
        under,
        rear,
        left * np.float32(0.8),
        -(x + np.float32(reach)) * np.float32(0.9),
        smooth_mm=9,
    )
    spine = ellipsoid(np.stack([x, y, z * 0]), (-6, -48, 0), (34, 36, 60))
    level = np.maximum(level, -spine)
    person.lay("liver", box, level, person.texture("liver", box, 2.0, 2.5), moat_mm=1.5)
    person.lesions(box, level, "liver", count=int(rng.poisson(0.8)))
    _paint_vessels(person, box, level)


def _paint_vessels(person: OrganPainter, box: tuple[slice, slice, slice], level: Volume) -> None:
    rise = person.build.breath_mm
    trees = [("portal", np.array([18.0, -8, 32]), 6.0, 5), ("cava", np.array([24.0, -34, 92 + rise]), 5.5, 4)]
    for tissue, root, radius, count in trees:
        for _ in range(count):
            way = person.rng.normal(size=3) * [1.0, 0.9, 0.6] + (
                [0.6, 0.2, 0.3] if tissue == "portal" else [0.6, 0.5, -0.8]
            )
            _branch(person, tissue, root, way / np.linalg.norm(way), radius, 4)


def _branch(
    person: OrganPainter, tissue: str, start: NDArray[np.float64], way: NDArray[np.float64], radius: float, depth: int
) -> None:
    bent = way + 0.25 * person.rng.normal(size=3)
    end = start + person.rng.uniform(16, 30) * bent / np.linalg.norm(bent)
    box, level, _ = tube(person.canvas, np.stack([start, end]), np.array([radius, 0.8 * radius]))
    if level.size:
        inside = person.canvas.label[box] == ORGAN_VALUES["liver"]
        person.canvas.paint(box, np.where(inside, level, 9), person.tissues[tissue])
    if depth and radius > 1.3:
        for _ in range(2):
            following = bent + 0.6 * person.rng.normal(size=3)
            _branch(person, tissue, end, following / np.linalg.norm(following), 0.72 * radius, depth - 1)


def paint_gallbladder(person: OrganPainter) -> None:
    """A pear below the liver."""
    s = person.size("gallbladder")
    bottom = np.array(person.place((50, 56, -22), 6))
    neck = np.array(person.place((34, 16, 14), 5))
    line = curve([(*neck, 5 * s), (*(0.5 * (bottom + neck)), 13 * s), (*bottom, 14 * s)], step_mm=6)
    box, level, _ = tube(person.canvas, line[:, :3], line[:, 3])
    if level.size:
        level = np.maximum(level, person.trunk.cavity[box] + 3)
        person.lay("gallbladder", box, level, person.tissues["bile"] + 18, moat_mm=0.0)
        if "gallbladder" not in person.build.missing:
            person.canvas.paint(box, level + 2, person.tissues["bile"] + person.coarse[box])
