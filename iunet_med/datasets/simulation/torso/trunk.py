"""The trunk: skin, fat, muscle, the cavity inside and the diaphragm that divides it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iunet_med.datasets.simulation.fields import Volume
from iunet_med.datasets.simulation.torso.build import Build
from iunet_med.datasets.simulation.torso.canvas import Canvas
from iunet_med.datasets.simulation.torso.names import ORGAN_VALUES
from iunet_med.datasets.simulation.torso.shapes import ellipsoid, tube, union
from iunet_med.datasets.simulation.torso.tissues import Tissues

HEIGHTS = (-420, -300, -250, -200, -150, -80, 0, 60, 120, 180, 230, 265, 290, 315, 345, 420)
CAVITY_WIDTH = (35, 48, 62, 98, 116, 119, 123, 133, 137, 130, 116, 92, 62, 36, 26, 24)
CAVITY_DEPTH = (30, 48, 62, 72, 74, 74, 80, 93, 98, 92, 80, 66, 50, 36, 28, 26)
WALL_SIDE = (110, 88, 68, 42, 22, 13, 14, 15, 19, 26, 38, 60, 92, 80, 40, 34)
WALL_FRONT = (40, 26, 16, 12, 10, 10, 11, 12, 16, 22, 24, 20, 18, 16, 20, 24)
WALL_BACK = (70, 74, 70, 60, 48, 44, 44, 43, 42, 44, 48, 50, 50, 44, 40, 38)
"""Half axes of the cavity, and muscle and bone around it, in mm at each height above vertebra L1."""


@dataclass(frozen=True)
class Trunk:
    """Levels on the whole canvas in mm, negative inside, and the measures of the trunk by height.

    Args:
        skin, muscle, cavity: surfaces from the outside in.
        diaphragm: height above the diaphragm, negative below.
        u, v: place relative to the cavity's half axes, -1 to 1 from left to right and from back to front.
    """

    skin: Volume
    muscle: Volume
    cavity: Volume
    diaphragm: Volume
    u: Volume
    v: Volume


@dataclass(frozen=True)
class Measures:
    """Half axes in mm of one person's cavity, and the wall around it, as functions of the height."""

    build: Build

    def width(self, z: NDArray[np.floating]) -> Volume:
        """Half width of the cavity."""
        wide = 1 + 0.1 * self.build.belly * _bump(z, -30, 110)
        return np.asarray(np.interp(z, HEIGHTS, CAVITY_WIDTH) * wide, np.float32)

    def depth(self, z: NDArray[np.floating]) -> Volume:
        """Half depth of the cavity."""
        deep = 1 + (0.42 * self.build.belly - 0.12) * _bump(z, -50, 120)
        return np.asarray(np.interp(z, HEIGHTS, CAVITY_DEPTH) * deep, np.float32)

    def back(self, z: NDArray[np.floating]) -> Volume:
        """The y of the cavity's back wall; the front gives way to what makes the cavity deep."""
        return np.asarray(-np.interp(z, HEIGHTS, CAVITY_DEPTH), np.float32)

    def spine(self, z: NDArray[np.floating]) -> Volume:
        """The y of the centres of the vertebral bodies: curved forwards in the loins, backwards in the chest."""
        knots = (-260, -200, -150, -100, -50, 0, 60, 120, 200, 260, 300, 350)
        y = (-92, -82, -56, -42, -40, -50, -66, -78, -80, -62, -40, -18)
        return np.asarray(np.interp(z, knots, y), np.float32)


def _bump(z: NDArray[np.floating], centre: float, width: float) -> Volume:
    return np.asarray(np.exp(-(((np.asarray(z) - centre) / width) ** 2)), np.float32)


def shape_trunk(canvas: Canvas, build: Build) -> Trunk:
    """Levels of the trunk's surfaces."""
    x, y, z = canvas.place
    measures = Measures(build)
    table = np.arange(-420, 421, 4, dtype=np.float32)

    def by_height(values: NDArray[np.floating]) -> Volume:
        return np.asarray(np.interp(z, table, values), np.float32)

    a, b = by_height(measures.width(table)), by_height(measures.depth(table))
    centre = by_height(measures.back(table) + measures.depth(table))
    front = y - centre
    cavity = _round(x, front, a, b, 2.5)
    ahead = np.interp(table, HEIGHTS, WALL_FRONT)
    behind = np.interp(table, HEIGHTS, WALL_BACK)
    side = np.interp(table, HEIGHTS, WALL_SIDE) + 16 * (build.hips - 0.4) * _bump(table, -250, 90)
    half = by_height(measures.depth(table) + (ahead + behind) / 2)
    shift = by_height((ahead - behind) / 2)
    wide = a + by_height(side)
    muscle = _round(x, front - shift, wide, half, 2.5)
    fat = by_height(
        build.fat_mm * (1 - 0.45 * _bump(table, 170, 90) + 0.25 * (build.hips - 0.2) * _bump(table, -220, 90))
    )
    angle = (front - shift) / np.maximum(np.sqrt(x * x + (front - shift) ** 2), 1)
    skin = muscle - fat * (1 + 0.25 * np.abs(angle)) - np.float32(2)
    if build.breasts_mm:
        for sign in (-1, 1):
            middle = (sign * 78.0, float(measures.depth(np.array([165.0]))[0]) + 12 + 0.35 * build.breasts_mm, 165.0)
            skin = union(skin, ellipsoid(canvas.place, middle, (66, build.breasts_mm + 22, 62)), 14)
    u, v = x / a, front / b
    return Trunk(skin, muscle, cavity, z - _diaphragm(u, v, build), u, v)


def _round(x: Volume, y: Volume, a: Volume, b: Volume, power: float) -> Volume:
    """Level of an ellipse with flattened sides."""
    ratio = (np.abs(x / a) ** np.float32(power) + np.abs(y / b) ** np.float32(power)) ** np.float32(1 / power)
    radius = np.sqrt(x * x + y * y)
    return np.asarray(np.where(ratio > 0.2, radius * (1 - 1 / np.maximum(ratio, 0.2)), -np.minimum(a, b)), np.float32)


def _diaphragm(u: Volume, v: Volume, build: Build) -> Volume:
    """Height of the diaphragm: two domes, the right one higher, that fall off deepest at the back."""
    domes = []
    for side, top in ((0.44, 118.0), (-0.46, 104.0)):
        far = ((u - np.float32(side)) / np.float32(0.66)) ** 2 + ((v - np.float32(0.08)) / np.float32(1.0)) ** 2
        drop = np.float32(78) * far ** np.float32(1.1)
        domes.append(np.float32(top + build.breath_mm) - np.minimum(drop, 140) + 20 * np.maximum(v, 0))
    return -union(-domes[0], -domes[1], 14)


def paint_trunk(canvas: Canvas, trunk: Trunk, build: Build, tissues: Tissues, grain: tuple[Volume, Volume]) -> None:
    """Skin, fat, marbled muscle and the fat of the abdomen and between the lungs."""
    whole, coarse, fine = canvas.whole, *grain
    canvas.paint(whole, trunk.skin, tissues["skin"])
    strands = np.maximum(fine - 1.1, 0) * 28
    canvas.paint(whole, trunk.skin + 2, tissues["fat"] + 3 * coarse + strands)
    if build.breasts_mm:
        gland = np.where((canvas.place[1] > 80) & (coarse + 0.5 * fine > 0.2), trunk.skin + 9, np.float32(9))
        canvas.paint(whole, gland, tissues["breast"])
    marbled = np.maximum(fine + 0.5 * coarse - (1.9 - 0.9 * build.age), 0)
    meat = tissues["muscle"] + 3 * coarse + 2 * fine - np.minimum(60 * marbled, 110)
    canvas.paint(whole, trunk.muscle, meat)
    _paint_gaps(canvas, trunk, tissues, coarse)
    canvas.paint(whole, trunk.cavity, tissues["fat"] + 4 * coarse + np.maximum(fine - 1.0, 0) * 35)
    if build.arms:
        _paint_arms(canvas, build, tissues)


def _paint_gaps(canvas: Canvas, trunk: Trunk, tissues: Tissues, coarse: Volume) -> None:
    """Fat between the layers of muscle: beside the back muscles, and between those of the flank and the hip."""
    z = canvas.place[2]
    between = trunk.muscle / (trunk.muscle - trunk.cavity - 1e-3)
    low, chest = np.clip((-z - 150) / 60, 0, 1), np.clip((z - 170) / 60, 0, 1)
    for depth, strength in ((0.42, low), (0.62, chest), (0.3, chest)):
        sheet = np.abs(between - np.float32(depth) - 0.08 * coarse) * np.maximum(trunk.muscle - trunk.cavity, 4)
        canvas.paint(canvas.whole, np.where(trunk.cavity > 3, sheet - 2.4 * strength, 5), tissues["fat"] + 25)


def paint_back_muscles(canvas: Canvas, trunk: Trunk, build: Build, tissues: Tissues, grain: Volume) -> None:
    """The two columns of muscle beside the spine, each in its thin sheath of fat, with their label."""
    measures = Measures(build)
    heights = np.arange(-200, 281, 24.0)
    size = np.interp(heights, (-200, -120, -60, 40, 140, 280), (18, 25, 27, 25, 21, 17))
    for sign in (-1, 1):
        y = measures.spine(heights) - 36 - 0.35 * (size - 20)
        path = np.stack([np.full(len(heights), sign * 1.0) * (13 + 0.62 * size), y, heights], axis=1)
        box, level, _ = tube(canvas, path, size)
        level = np.maximum(level, trunk.muscle[box] + 1.5)
        canvas.paint(box, np.maximum(np.abs(level - 1.5) - 1.2, trunk.muscle[box]), tissues["fat"] + 20)
        hu = tissues["muscle"] + 2 * grain[box] - 60 * build.age * np.maximum(grain[box] - 0.9, 0)
        canvas.paint(box, level, hu, ORGAN_VALUES["autochthon"])


def _paint_arms(canvas: Canvas, build: Build, tissues: Tissues) -> None:
    """Arms along the body, with their bones."""
    thick = 36 + 0.5 * build.fat_mm
    for sign in (-1, 1):
        out = 178 + build.fat_mm + 22 * build.belly
        path = np.array([[sign * (out + 8), -30, 290], [sign * (out + 26), -40, 120], [sign * (out + 34), -20, -160]])
        box, level, _ = tube(canvas, path, np.array([thick + 6, thick, 0.7 * thick]))
        for inset, hu in ((0.0, tissues["fat"]), (0.3 * build.fat_mm + 3, tissues["muscle"])):
            canvas.paint(box, level + np.float32(inset), hu)
        box, level, _ = tube(canvas, path, 11.0)
        canvas.paint(box, level, tissues["cortical"] + 200)
        canvas.paint(box, level + 4, tissues["marrow"] if build.age < 0.5 else tissues["fat"] + 60)
