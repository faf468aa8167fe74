"""Lungs with their vessels, the heart, windpipe and gullet, and fluid around the lungs."""

import numpy as np
from numpy.typing import NDArray

from iunet_med.datasets.simulation.fields import Volume
from iunet_med.datasets.simulation.torso.build import Build
from iunet_med.datasets.simulation.torso.canvas import Box, Canvas
from iunet_med.datasets.simulation.torso.names import ORGAN_VALUES
from iunet_med.datasets.simulation.torso.shapes import beside, common, curve, ellipsoid, tube, turn, union
from iunet_med.datasets.simulation.torso.tissues import AIR, Tissues
from iunet_med.datasets.simulation.torso.trunk import Measures, Trunk

HEART = (-26.0, 24.0, 132.0)


def paint_chest(
    canvas: Canvas, trunk: Trunk, build: Build, tissues: Tissues, grain: tuple[Volume, Volume], rng: np.random.Generator
) -> None:
    """All that lies above the diaphragm but bones and great vessels."""
    box = canvas.box((-190, -150, -20), (190, 150, 330))
    p = canvas.at(box)
    if p.size:
        _paint_lungs(canvas, trunk, build, tissues, grain, box, p)
        _paint_airways(canvas, tissues, rng)
        _paint_lung_vessels(canvas, tissues, build, rng)
    _paint_heart(canvas, trunk, build, tissues, grain[0])


def _paint_lungs(
    canvas: Canvas, trunk: Trunk, build: Build, tissues: Tissues, grain: tuple[Volume, Volume], box: Box, p: Volume
) -> None:
    coarse, fine = grain[0][box], grain[1][box]
    spine_y = np.interp(p[2], np.arange(-20, 331, 10), Measures(build).spine(np.arange(-20, 331, 10.0)))
    ahead = (p[1] - spine_y.astype(np.float32)) / 60
    half = 19 + 22 * np.exp(-((ahead - 0.55) ** 2) / 0.18) - 14 * np.clip(ahead - 1.2, 0, 1)
    middle = np.where(p[2] < 175, -4, 0).astype(np.float32)
    between = np.abs(p[0] - middle) - half.astype(np.float32) - 3 * coarse
    heart = ellipsoid(p, _heart_place(build), (61, 52, 54), turn(y=28, z=28))
    between = union(between, heart - 2, 12)
    level = common(trunk.cavity[box] + 1.5, -trunk.diaphragm[box] + 0, -between, smooth_mm=5)
    down = np.clip(-(p[1] + 10) / 90, -1, 1)
    hu = tissues["lung"] + 32 * down + 18 * coarse + 28 * np.maximum(fine, -1)
    for side, name in ((1, "lung_right"), (-1, "lung_left")):
        one = np.maximum(level, -side * (p[0] - middle))
        canvas.paint(box, one, hu, ORGAN_VALUES[name])
        depth = build.fluid_mm[0 if side > 0 else 1]
        if depth:
            surface = np.maximum(one, p[1] - np.float32(-95 + 2.2 * depth) - 0.28 * (trunk.diaphragm[box] - 30))
            canvas.paint(box, surface - 4, tissues["fluid"] + 3 * coarse, 0)
            canvas.paint(box, np.maximum(np.abs(surface + 4) - 7, one), 25 + 10 * coarse, 0)


def _heart_place(build: Build) -> tuple[float, float, float]:
    return HEART[0], HEART[1], HEART[2] + 0.8 * build.breath_mm


def _paint_airways(canvas: Canvas, tissues: Tissues, rng: np.random.Generator) -> None:
    """Windpipe and main bronchi, with their walls."""
    fork = np.array([2.0, -22.0, 196.0])
    pieces = [
        ([(0, -2, 335), (0, -10, 270), tuple(fork)], (8.5, 8.5), "trachea"),
        ([tuple(fork), (26, -28, 176), (48, -30, 158), (58, -40, 120)], (7.0, 4.0), None),
        ([tuple(fork), (-22, -26, 180), (-46, -32, 166), (-58, -44, 124)], (6.5, 3.6), None),
    ]
    for points, (first, last), name in pieces:
        line = curve(points, step_mm=8)
        box, level, _ = tube(canvas, line, np.linspace(first, last, len(line)))
        canvas.paint(box, level - 1.6, 30)
        canvas.paint(box, level, AIR + 8, ORGAN_VALUES[name] if name else None)


def _paint_lung_vessels(canvas: Canvas, tissues: Tissues, build: Build, rng: np.random.Generator) -> None:
    """Trees of vessels that grow from each hilum into its lung."""
    blood = tissues["heart_blood"] if build.phase != "native" else tissues["aorta"]
    for side, name in ((1, "lung_right"), (-1, "lung_left")):
        value = ORGAN_VALUES[name]
        for _ in range(16):
            way = rng.normal(size=3) * [0.7, 0.9, 1.3] + [side * 0.7, -0.1, -0.15]
            _grow(canvas, np.array([side * 42.0, -22.0, 165.0]), way / np.linalg.norm(way), 5.0, blood, value, rng, 4)


def _grow(
    canvas: Canvas,
    start: NDArray[np.float64],
    way: NDArray[np.float64],
    radius: float,
    hu: float,
    value: int,
    rng: np.random.Generator,
    depth: int,
) -> None:
    length = rng.uniform(18, 34)
    bent = way + 0.3 * rng.normal(size=3)
    end = start + length * bent / np.linalg.norm(bent)
    box, level, _ = tube(canvas, np.stack([start, end]), np.array([radius, 0.72 * radius]))
    if level.size:
        keep = np.isin(canvas.label[box], (value,))
        canvas.paint(box, np.where(keep, level, 9), hu)
    if depth and radius > 1.0:
        for _ in range(2):
            way_next = bent + 0.75 * rng.normal(size=3)
            _grow(canvas, end, way_next / np.linalg.norm(way_next), 0.66 * radius, hu, value, rng, depth - 1)


def _paint_heart(canvas: Canvas, trunk: Trunk, build: Build, tissues: Tissues, coarse: Volume) -> None:
    middle = np.array(_heart_place(build))
    box = canvas.box(middle - 80, middle + 80)
    p = canvas.at(box)
    if not p.size:
        return
    wall = common(ellipsoid(p, tuple(middle), (57, 48, 50), turn(y=28, z=28)), -trunk.diaphragm[box] + 2, smooth_mm=6)
    fat = wall - 5 + 2.5 * coarse[box]
    canvas.paint(box, np.maximum(fat, -trunk.diaphragm[box] + 1), tissues["fat"] + 12, 0)
    canvas.paint(box, wall, tissues["myocardium"] + 3 * coarse[box], ORGAN_VALUES["heart"])
    left = ellipsoid(p, beside(middle, -24, 0, -6), (27, 17, 19), turn(y=28, z=35))
    right = ellipsoid(p, beside(middle, 8, 20, -6), (36, 16, 26), turn(y=24, z=30))
    atria = union(
        ellipsoid(p, beside(middle, 34, -2, 10), (17, 23, 26)),
        ellipsoid(p, beside(middle, 2, -30, 18), (30, 16, 20)),
        4,
    )
    for chamber in (left, right, atria):
        canvas.paint(box, np.maximum(chamber, wall + 3), tissues["heart_blood"] + 3 * coarse[box])


def paint_gullet(canvas: Canvas, build: Build, tissues: Tissues) -> None:
    """The oesophagus, from the neck through the diaphragm to the stomach."""
    measures = Measures(build)
    heights = np.arange(330.0, 95, -20)
    points = [(-4.0 - (z < 140) * 8, float(measures.spine(np.array([z]))[0]) + 24, z) for z in heights]
    line = curve([*points, (-34, -22, 82)], step_mm=8)
    box, level, along = tube(canvas, line, 7.5)
    canvas.paint(box, level, tissues["stomach_wall"], ORGAN_VALUES["esophagus"])
    gas = np.where(np.sin(0.55 * along) > 0.35, level + 4.5, np.float32(9))
    canvas.paint(box, gas, AIR + 150)
