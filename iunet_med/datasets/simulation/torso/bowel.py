"""Small bowel, duodenum and colon, with fluid, stool and gas; the fat between them with its vessels."""

import numpy as np
from numpy.typing import NDArray

from iunet_med.datasets.simulation.fields import Volume
from iunet_med.datasets.simulation.torso.build import Build
from iunet_med.datasets.simulation.torso.canvas import Canvas
from iunet_med.datasets.simulation.torso.names import ORGAN_VALUES
from iunet_med.datasets.simulation.torso.shapes import curve, tube
from iunet_med.datasets.simulation.torso.tissues import AIR, Tissues
from iunet_med.datasets.simulation.torso.trunk import Trunk


def paint_bowel(
    canvas: Canvas, trunk: Trunk, build: Build, tissues: Tissues, grain: tuple[Volume, Volume], rng: np.random.Generator
) -> None:
    """Mesenteric vessels first, then loops of small bowel, duodenum and colon."""
    forth = 1 + 0.5 * build.belly
    _paint_mesentery(canvas, tissues, forth, rng)
    contrast = float(rng.uniform(150, 350)) if rng.random() < 0.15 else None
    path = _wander(
        rng, np.array([0.0, 14 * forth, -95]), np.array([88.0, 44 * forth, 88]), steps=int(rng.integers(170, 330))
    )
    for name, line, radius in (
        ("small_bowel", path, rng.uniform(9, 12) * (1 + 0.15 * np.sin(np.arange(len(path)) * 0.37))),
        (
            "duodenum",
            curve([(38, 28, 6), (52, 8, -4), (50, -6, -40), (20, -2, -52), (-20, -2, -46), (-36, 12, -28)], step_mm=9),
            11.0,
        ),
    ):
        box, level, along = tube(canvas, line, radius)
        if not level.size:
            continue
        level = np.maximum(level + 1.2 * grain[0][box], trunk.cavity[box] + 3)
        canvas.paint(box, level - 1.0, tissues["fat"] + 35, 0)
        canvas.paint(box, level, tissues["bowel_wall"] + 3 * grain[1][box], ORGAN_VALUES[name])
        content = contrast or 22 + 14 * np.sin(0.11 * along)
        canvas.paint(
            box, np.where(np.sin(0.23 * along) > -0.35, level + 3.2, np.float32(9)), content + 5 * grain[1][box]
        )
        front = canvas.at(box)[1] > 20
        canvas.paint(box, np.where((np.sin(0.17 * along + 1) > 0.72) & front, level + 3.2, np.float32(9)), AIR + 30)
    _paint_colon(canvas, trunk, tissues, grain, forth, rng)


def _wander(
    rng: np.random.Generator, centre: NDArray[np.float64], half: NDArray[np.float64], *, steps: int
) -> NDArray[np.float64]:
    """A curve that winds through an ellipsoid, (steps, 3) mm, in steps of 11 mm."""
    place, way, path = centre.copy(), rng.normal(size=3), []
    for _ in range(steps):
        path.append(place.copy())
        way = way / np.linalg.norm(way) + 0.55 * rng.normal(size=3)
        out = (place - centre) / half
        if (far := float(np.linalg.norm(out))) > 0.75:
            way -= 1.1 * (far - 0.5) * out / far * 2
        place = place + 11 * way / np.linalg.norm(way)
    return np.array(path)


def _paint_mesentery(canvas: Canvas, tissues: Tissues, forth: float, rng: np.random.Generator) -> None:
    for _ in range(26):
        end = np.array([rng.uniform(-80, 80), rng.uniform(-10, 60) * forth, rng.uniform(-170, 30)])
        start = np.array([rng.uniform(-12, 12), 14 * forth, rng.uniform(-60, 10)])
        middle = (start + end) / 2 + rng.normal(0, 12, 3)
        line = curve([start, middle, end], step_mm=12)
        box, level, _ = tube(canvas, line, np.linspace(rng.uniform(2.2, 3.6), 1.2, len(line)))
        canvas.paint(box, level, tissues[str(rng.choice(["portal", "portal", "aorta"]))])


def _paint_colon(
    canvas: Canvas, trunk: Trunk, tissues: Tissues, grain: tuple[Volume, Volume], forth: float, rng: np.random.Generator
) -> None:
    front = 52 * forth
    points = [(82, 10, -158), (96, -4, -110), (96, -16, -60), (88, 6, -24), (58, front - 4, -36), (10, front + 4, -52)]
    points += [(-44, front, -26), (-88, 14, 18), (-104, -18, 24), (-104, -24, -40), (-100, -14, -110), (-82, 10, -165)]
    points += [(-46, 14, -196), (-10, 2, -178), (14, -24, -200), (2, -52, -232), (0, -56, -290), (0, -62, -330)]
    wander = rng.normal(0, 6, (len(points), 3)) * np.linspace(1, 0.4, len(points))[:, None]
    wander[4:7, 2] += rng.uniform(-50, 14)
    line = curve(np.asarray(points) + wander, step_mm=8)
    share = np.linspace(0, 1, len(line))
    slow = np.interp(np.linspace(0, 12, len(line)), np.arange(13), rng.uniform(0.75, 1.25, 13))
    radius = np.interp(share, (0, 0.15, 0.4, 0.6, 0.8, 1), (26, 23, 20, 16, 15, 17)) * slow
    radius = radius * (1 + 0.13 * np.sin(np.arange(len(line)) * 2.1))
    box, level, along = tube(canvas, line, radius)
    if not level.size:
        return
    level = np.maximum(level + 2.0 * grain[0][box], trunk.cavity[box] + 2)
    canvas.paint(box, level - 2, tissues["fat"] + 15, 0)
    canvas.paint(box, level, tissues["bowel_wall"] + 3 * grain[1][box], ORGAN_VALUES["colon"])
    kind = rng.choice(3, size=8, p=[0.5, 0.3, 0.2])[np.clip((along / len(line) * 8).astype(int), 0, 7)]
    lumen = level + np.float32(2.6)
    stool = 42 + 22 * grain[1][box] - 900 * (grain[1][box] + 0.35 * grain[0][box] > 1.05)
    canvas.paint(box, lumen, np.where(kind == 2, 20, stool).astype(np.float32))
    high = canvas.at(box)[1] > np.interp(along, np.arange(len(line)), line[:, 1]).astype(np.float32) + np.where(
        kind == 1, -9, 6
    )
    canvas.paint(box, np.where(high & (kind > 0), lumen, np.float32(9)), AIR + 20)
