"""Kidneys, the adrenal glands above them, and the bladder."""

import numpy as np

from iunet_med.datasets.simulation.torso.names import ORGAN_VALUES
from iunet_med.datasets.simulation.torso.organ_painter import OrganPainter
from iunet_med.datasets.simulation.torso.shapes import beside, common, ellipsoid, tube, turn


def paint_kidneys(person: OrganPainter) -> None:
    """Beans beside the spine, cortex around medulla, sinus with fat and calyces; in a capsule of fat."""
    for side, name in ((1, "kidney_right"), (-1, "kidney_left")):
        if name in person.build.missing:
            continue
        s = person.size(name)
        centre = np.array(person.place((side * (62 + 6 * person.build.belly), -52, -14 if side > 0 else 2), 7))
        box = person.canvas.box(centre - 85 * s, centre + 85 * s)
        p = person.canvas.at(box)
        if not p.size:
            continue
        pose = turn(
            x=float(person.rng.normal(12, 4)),
            y=float(side * person.rng.normal(-14, 4)),
            z=float(side * person.rng.normal(-32, 8)),
        )
        half = np.array([28.0, 24, 55]) * s * np.exp(person.rng.normal(0, 0.05, 3))
        bean = ellipsoid(p, tuple(centre), tuple(half), pose)
        hilum = centre + pose @ np.array([-side * 30.0 * s, 0, 0])
        notch = ellipsoid(p, tuple(hilum), (20 * s, 13 * s, 19 * s), pose)
        level = common(bean + 1.5 * person.coarse[box], -notch, person.trunk.cavity[box] + 4, smooth_mm=5)
        sinus = ellipsoid(p, tuple(centre + pose @ np.array([-side * 7.0 * s, 0, 0])), (12 * s, 8 * s, 27 * s), pose)
        inner = sinus - 10 + 5 * person.coarse[box]
        person.lay(name, box, level, person.texture("cortex", box), moat_mm=9)
        person.canvas.paint(box, np.maximum(inner, level + 7), person.texture("medulla", box))
        person.canvas.paint(box, np.maximum(sinus + 2 * person.coarse[box], level + 3), person.tissues["fat"] + 25, 0)
        wide = float(person.rng.exponential(2.0)) - 5
        person.canvas.paint(
            box, np.maximum(sinus + 7 - np.float32(max(wide, -2.5)), level + 3), person.tissues["urine"]
        )
        if person.rng.random() < 0.12:
            person.canvas.paint(box, ellipsoid(p, tuple(centre + person.rng.normal(0, 8, 3)), (3, 3, 4)), 600)
        person.lesions(box, level, name, count=int(person.rng.poisson(0.4)))


def paint_adrenals(person: OrganPainter) -> None:
    """Two thin limbs above each kidney."""
    for side, name in ((1, "adrenal_gland_right"), (-1, "adrenal_gland_left")):
        if name in person.build.missing:
            continue
        top = np.array(person.place((side * 34 - 2, -42, 44 if side > 0 else 38), 4))
        for out in (side * 6, side * 14):
            box, level, _ = tube(person.canvas, np.array([top, beside(top, out, -16, -18)]), np.array([3.8, 2.6]))
            person.canvas.paint(box, level, person.tissues["adrenal"], ORGAN_VALUES[name])


def paint_bladder(person: OrganPainter) -> None:
    """The bladder, more or less full, and the prostate or the womb behind it."""
    full = float(person.rng.uniform(0.5, 1.6))
    centre = np.array(person.place((0, 26, -262 + 22 * full), 4))
    box = person.canvas.box(centre - 95, centre + 95)
    p = person.canvas.at(box)
    if not p.size:
        return
    behind = ellipsoid(p, (0, -14, -262), (34 if person.build.breasts_mm else 26, 22, 30), turn(x=30))
    person.canvas.paint(box, behind + 3 * person.coarse[box], person.texture("prostate", box, 4, 3), 0)
    level = ellipsoid(p, tuple(centre), (42 * full, 34 * full, 36 * full)) + 3 * person.coarse[box]
    person.canvas.paint(box, level, person.tissues["muscle"], ORGAN_VALUES["urinary_bladder"])
    urine = person.tissues["urine"]
    layer = np.where(p[1] < centre[1] - 8, urine, 0.4 * urine + 4) if person.build.phase == "delayed" else urine
    person.canvas.paint(box, level + 3.5, layer)
