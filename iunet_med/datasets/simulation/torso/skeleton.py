"""Spine, ribs, breastbone, shoulder blades, pelvis and thigh bones."""

import numpy as np
from numpy.typing import NDArray

from iunet_med.datasets.simulation.fields import Volume
from iunet_med.datasets.simulation.torso.build import Build
from iunet_med.datasets.simulation.torso.canvas import Box, Canvas, Point
from iunet_med.datasets.simulation.torso.names import ORGAN_VALUES
from iunet_med.datasets.simulation.torso.shapes import beside, curve, ellipsoid, tube, turn, union
from iunet_med.datasets.simulation.torso.tissues import Tissues
from iunet_med.datasets.simulation.torso.trunk import Measures, Trunk

LUMBAR = (15.0, -21.0, -58.0, -95.0, -131.0)
THORACIC = (295.0, 277.0, 258.0, 239.0, 219.0, 198.0, 176.0, 153.0, 129.0, 103.0, 76.0, 47.0)
"""Heights of the vertebral bodies' centres in mm, T1 to T12 from the top, and L1 to L5."""


def paint_bone(
    canvas: Canvas, box: Box, level: Volume, tissues: Tissues, grain: Volume, label: str | None, shell_mm: float = 2.2
) -> None:
    """A bone: a dense shell around spongy marrow."""
    value = ORGAN_VALUES[label] if label else 0
    canvas.paint(box, level, tissues["cortical"] + 60 * grain[box], value)
    canvas.paint(box, level + np.float32(shell_mm), tissues["marrow"] + (12 + 0.12 * tissues["marrow"]) * grain[box])


def paint_spine(canvas: Canvas, build: Build, tissues: Tissues, grain: Volume) -> None:
    """Vertebral bodies with discs between them, their arches and processes, the cord, and the sacrum."""
    measures = Measures(build)
    heights = (*THORACIC, *LUMBAR)
    for number, z in enumerate(heights):
        y = float(measures.spine(np.array([z]))[0])
        gap = abs((heights[number + 1] if number + 1 < len(heights) else z - 36) - z)
        wide = float(np.interp(z, (-131, 15, 150, 295), (25, 22, 15.5, 13)))
        deep = float(np.interp(z, (-131, 15, 150, 295), (18, 16, 14, 9)))
        ahead = float(measures.spine(np.array([z + 10.0]))[0] - measures.spine(np.array([z - 10.0]))[0])
        _paint_vertebra(canvas, tissues, grain, (0.0, y, z), (wide, deep, gap), lean=np.degrees(np.arctan2(ahead, 20)))
    knots = np.array([(z, float(measures.spine(np.array([z]))[0])) for z in np.arange(-150.0, 331, 30)])
    path = np.stack(
        [0 * knots[:, 0], knots[:, 1] - np.interp(knots[:, 0], (-131, 15, 295), (26, 25, 20)), knots[:, 0]], axis=1
    )
    box, level, _ = tube(canvas, path, 8.5)
    canvas.paint(box, level, tissues["fat"] + 70, 0)
    canvas.paint(box, level + 2.5, tissues["cord"])
    sacrum = [(0, -66, -150, 33), (0, -82, -185, 30), (0, -99, -220, 20), (0, -98, -250, 9), (0, -86, -275, 5)]
    line = curve(sacrum, step_mm=12)
    box, level, _ = tube(canvas, line[:, :3], line[:, 3])
    p = canvas.at(box)
    middle = np.interp(p[2], line[::-1, 2], line[::-1, 1]).astype(np.float32)
    level = np.maximum(
        level, np.abs(p[1] - middle) - np.interp(p[2], (-275, -220, -150), (5, 12, 20)).astype(np.float32)
    )
    paint_bone(canvas, box, level, tissues, grain, "hips", 1.6)


def _paint_vertebra(
    canvas: Canvas,
    tissues: Tissues,
    grain: Volume,
    centre: tuple[float, float, float],
    size: tuple[float, float, float],
    lean: float,
) -> None:
    _, y, z = centre
    wide, deep, gap = size
    box = canvas.box((-58, y - 78, z - gap), (58, y + 26, z + gap))
    p = canvas.at(box)
    if not p.size:
        return
    tilt = np.float32(np.tan(np.radians(lean)))
    height = p[2] - np.float32(z) + tilt * (p[1] - np.float32(y))
    waist = 1 - 0.1 * np.maximum(1 - (height / np.float32(0.38 * gap)) ** 2, 0)
    round_ = np.sqrt((p[0] / np.float32(wide)) ** 2 + ((p[1] - np.float32(y)) / np.float32(deep)) ** 2)
    disc = (round_ - 1) * np.float32(deep)
    slab = np.abs(height) - np.float32(0.5 * gap)
    canvas.paint(box, np.maximum(disc, slab - 0.2), tissues["disc"], 0)
    body = np.maximum((round_ - waist) * np.float32(deep), np.abs(height) - np.float32(0.39 * gap))
    q = np.stack([p[0], p[1] - np.float32(y), height])
    arch = ellipsoid(q, (0, -deep - 9, -0.05 * gap), (wide * 0.95, 13, 0.42 * gap))
    canal = np.sqrt(q[0] ** 2 + (q[1] + np.float32(deep + 8)) ** 2) - np.float32(10)
    arch = np.maximum(arch, -canal)
    spinous = ellipsoid(q, (0, -deep - 34, -0.3 * gap), (4.2, 22, 0.34 * gap), turn(x=-18 if z > 60 else -4))
    across = ellipsoid(q, (0, -deep - 6, 0), (wide + 19, 5.5, 5.5))
    across = np.maximum(across, -canal)
    rear = union(union(arch, spinous, 3), across, 2)
    paint_bone(canvas, box, rear, tissues, grain, "vertebrae", 2.6)
    paint_bone(canvas, box, body, tissues, grain, "vertebrae", 1.7)


def paint_ribs(canvas: Canvas, build: Build, tissues: Tissues, grain: Volume) -> None:
    """Twelve pairs of ribs, their cartilage, the breastbone, the collar bones and the shoulder blades."""
    measures = Measures(build)
    for number, z in enumerate(THORACIC):
        drop = (28, 48, 66, 82, 92, 98, 98, 92, 80, 66, 44, 24)[number]
        reach = (2.7, 2.75, 2.75, 2.75, 2.7, 2.6, 2.5, 2.35, 2.15, 1.95, 1.45, 1.05)[number]  # radians from the back
        for sign in (-1, 1):
            angle = np.linspace(0.22, reach, 26)
            height = z + 6 - drop * (angle / 2.7) ** 1.15
            path = _on_wall(measures, angle, height, sign)
            box, level, _ = tube(canvas, path, np.interp(angle, (0.22, 2.7), (4.4, 5.4)))
            paint_bone(canvas, box, level, tissues, grain, "ribs", 2.6)
            if number < 10:
                end = path[-1]
                rise = min(20.0 + 9 * max(number - 4, 0), 60.0)
                goal = np.array([sign * 16.0, float(_front(measures, end[2] + rise)) + 4, end[2] + rise])
                bend = (end + goal) / 2 + [0, 6, -4 if number < 5 else -9]
                box, level, _ = tube(canvas, curve([end, bend, goal], step_mm=8), 5.6)
                canvas.paint(
                    box, level, tissues["cartilage"] + 150 * np.float32(build.age) * np.maximum(grain[box], 0) ** 2, 0
                )
    sternum = [(0, float(_front(measures, z)) + 5, z) for z in (108.0, 150.0, 200.0, 245.0)]
    box, level, _ = tube(canvas, curve(sternum, step_mm=10), 15.0)
    _, y, z = canvas.at(box)
    middle = np.interp(z, [point[2] for point in sternum], [point[1] for point in sternum])
    flat = np.asarray(np.maximum(level, np.abs(y - middle) - 5.5), np.float32)
    paint_bone(canvas, box, flat, tissues, grain, None, 1.6)
    _paint_shoulders(canvas, measures, build, tissues, grain)


def _front(measures: Measures, z: float) -> float:
    height = np.array([z])
    return float(measures.back(height)[0] + 2 * measures.depth(height)[0])


def _on_wall(
    measures: Measures, angle: NDArray[np.float64], height: NDArray[np.float64], sign: int
) -> NDArray[np.float64]:
    """Path along the chest's wall, from the back (0) by the side (pi / 2) to the front (pi), (n, 3) mm."""
    a, b = measures.width(height) + 6, measures.depth(height) + 5
    across, forth = np.sin(angle), -np.cos(angle)
    power = 2.5
    radius = (np.abs(across / a) ** power + np.abs(forth / b) ** power) ** (-1 / power)
    centre = measures.back(height) + measures.depth(height)
    return np.stack([sign * radius * across, centre + radius * forth, height], axis=1)


def _paint_shoulders(canvas: Canvas, measures: Measures, build: Build, tissues: Tissues, grain: Volume) -> None:
    for sign in (-1, 1):
        collar = curve([(sign * 18, 42, 262), (sign * 70, 40, 282), (sign * 135, 2, 300)], step_mm=12)
        box, level, _ = tube(canvas, collar, 6.0)
        paint_bone(canvas, box, level, tissues, grain, None)
        box = canvas.box((sign * 105 - 55, -125, 130), (sign * 105 + 55, -40, 300))
        p = canvas.at(box)
        if p.size:
            r = turn(z=-sign * 38, x=8)
            blade = ellipsoid(p, (sign * 103, -86, 225), (44, 3.4, 70), r)
            spine = ellipsoid(p, (sign * 112, -92, 262), (48, 5, 6), turn(z=-sign * 12, y=sign * 20))
            paint_bone(canvas, box, union(blade, spine, 3), tissues, grain, None, 2.0)
        out = 168.0 if not build.arms else 176.0
        box, level, _ = tube(canvas, np.array([[sign * out, -18, 285], [sign * (out + 4), -14, 300]]), 24.0)
        paint_bone(canvas, box, level, tissues, grain, None, 2.0)


def paint_pelvis(canvas: Canvas, trunk: Trunk, build: Build, tissues: Tissues, grain: Volume) -> None:
    """Iliac wings in the wall of the pelvis, the ring below them, and the thigh bones."""
    wide = 1 + 0.1 * (build.hips - 0.4)
    for sign in (-1, 1):
        box = canvas.box((min(sign * 20, sign * 190), -130, -275), (max(sign * 20, sign * 190), 90, -75))
        p = canvas.at(box)
        if p.size:
            crest = np.float32(-112) + 26 * (1 - ((p[1] + 5) / 68) ** 2)
            lower = np.float32(-232) - 0.35 * p[1]
            sheet = np.abs(trunk.cavity[box] - np.interp(p[2], (-240, -170, -100), (10, 9, 13)).astype(np.float32))
            thick = np.interp(p[2], (-240, -180, -110), (10, 4.5, 5.5)).astype(np.float32)
            thick = thick + 5 * np.clip((-p[1] - 35) / 40, 0, 1)
            front, rear = p[1] - 62, -(p[1] + 108)
            level = np.maximum(
                sheet - thick, np.maximum(np.maximum(p[2] - crest, lower - p[2]), np.maximum(front, rear))
            )
            level = np.maximum(level, -sign * p[0] + 34)
            paint_bone(canvas, box, level, tissues, grain, "hips", 2.0)
        hip = np.array([sign * 93 * wide, 2, -268.0])
        box, level, _ = tube(canvas, np.array([beside(hip, -sign * 8, 0, 22), hip]), np.array([27.0, 34.0]))
        socket = np.maximum(level, -ellipsoid(canvas.at(box), beside(hip, sign * 5, -2, -4), (26, 26, 26)))
        socket = np.maximum(socket, sign * (canvas.at(box)[0] - np.float32(hip[0] + sign * 14)))
        paint_bone(canvas, box, socket, tissues, grain, "hips", 2.4)
        ring: list[list[Point]] = [
            [beside(hip, -sign * 22, 18, -8), (sign * 42, 58, -280), (sign * 8, 62, -292)],
            [beside(hip, -sign * 14, -24, -22), (sign * 66, -52, -318), (sign * 44, 0, -338), (sign * 14, 50, -308)],
        ]
        for points in ring:
            box, level, _ = tube(canvas, curve(points, step_mm=10), 9.5)
            paint_bone(canvas, box, level, tissues, grain, "hips", 2.2)
        head = beside(hip, sign * 4, -2, -4)
        thigh = [
            (*head, 23.5),
            (*beside(head, sign * 26, -6, -18), 15),
            (*beside(head, sign * 48, -10, -38), 20),
            (*beside(head, sign * 46, -4, -140), 15),
        ]
        line = curve(thigh, step_mm=8)
        box, level, _ = tube(canvas, line[:, :3], line[:, 3])
        paint_bone(canvas, box, level, tissues, grain, None, 2.6)
