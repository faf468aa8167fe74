"""Shapes as levels: about the distance in mm to their surface, negative inside."""

from collections.abc import Sequence
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline

from iunet_med.datasets.simulation.fields import Volume
from iunet_med.datasets.simulation.torso.canvas import Box, Canvas, Point

FAR = np.float32(1e3)


def turn(x: float = 0, y: float = 0, z: float = 0) -> NDArray[np.float64]:
    """Rotation by degrees about the x, then the y, then the z axis, (3, 3)."""
    a, b, c = radians(x), radians(y), radians(z)
    about_x = np.array([[1, 0, 0], [0, cos(a), -sin(a)], [0, sin(a), cos(a)]])
    about_y = np.array([[cos(b), 0, sin(b)], [0, 1, 0], [-sin(b), 0, cos(b)]])
    about_z = np.array([[cos(c), -sin(c), 0], [sin(c), cos(c), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)


def ellipsoid(place: Volume, centre: Point, half_axes: Point, rotation: NDArray[np.float64] | None = None) -> Volume:
    """Level of an ellipsoid at places (3, x, y, z)."""
    offset = [place[k] - np.float32(centre[k]) for k in range(3)]
    if rotation is not None:
        r = rotation.astype(np.float32)
        offset = [r[0, k] * offset[0] + r[1, k] * offset[1] + r[2, k] * offset[2] for k in range(3)]
    a = [np.float32(1 / h) for h in half_axes]
    scaled = [o * s for o, s in zip(offset, a, strict=True)]
    near = np.sqrt(scaled[0] ** 2 + scaled[1] ** 2 + scaled[2] ** 2)
    slope = np.sqrt((scaled[0] * a[0]) ** 2 + (scaled[1] * a[1]) ** 2 + (scaled[2] * a[2]) ** 2)
    return np.asarray(near * (near - 1) / np.maximum(slope, np.float32(1e-4)))


def beside(point: Point, x: float, y: float, z: float) -> NDArray[np.float64]:
    """The place that lies some mm right of, in front of and above a point, (3,)."""
    return np.asarray(point, dtype=np.float64) + np.array([x, y, z], dtype=np.float64)


def union(first: Volume, second: Volume, smooth_mm: float) -> Volume:
    """The union of two shapes, its seam rounded over some mm."""
    t = np.clip(0.5 + (second - first) / np.float32(2 * smooth_mm), 0, 1)
    return np.asarray(second + t * (first - second) - np.float32(smooth_mm) * t * (1 - t))


def common(first: Volume, *others: Volume, smooth_mm: float = 8.0) -> Volume:
    """What shapes have in common, its edges rounded over some mm."""
    for other in others:
        first = -union(-first, -other, smooth_mm)
    return first


def curve(points: Sequence[Point] | NDArray[np.floating], *, step_mm: float) -> NDArray[np.float64]:
    """Smooth curve through points (n, k), of which the first three numbers are mm, sampled about every `step_mm`."""
    knots = np.asarray(points, dtype=np.float64)
    lengths = np.linalg.norm(np.diff(knots[:, :3], axis=0), axis=1)
    t = np.concatenate([[0], np.cumsum(lengths)])
    spline = make_interp_spline(t, knots, k=min(3, len(knots) - 1))
    return np.asarray(spline(np.linspace(0, t[-1], max(2, round(t[-1] / step_mm) + 1))))


def tube(canvas: Canvas, path: NDArray[np.floating], radii: NDArray[np.floating] | float) -> tuple[Box, Volume, Volume]:
    """Box and level of a tube around a path (n, 3), and the number of the nearest piece of the path, (x, y, z)."""
    radii = np.broadcast_to(np.asarray(radii, dtype=np.float64), len(path))
    most = float(radii.max()) + 2 * canvas.spacing_mm
    x, y, z = canvas.box(path.min(0) - most, path.max(0) + most)
    level = np.full([s.stop - s.start for s in (x, y, z)], FAR, np.float32)
    along = np.zeros(level.shape, np.float32)
    for i in range(len(path) - 1):
        a, b = path[i], path[i + 1]
        reach = max(radii[i], radii[i + 1]) + 2 * canvas.spacing_mm
        part = canvas.box(np.minimum(a, b) - reach, np.maximum(a, b) + reach)
        dx, dy, dz = (
            slice(min(max(p.start - o.start, 0), o.stop - o.start), min(max(p.stop - o.start, 0), o.stop - o.start))
            for p, o in zip(part, (x, y, z), strict=True)
        )
        inner = (dx, dy, dz)
        if not level[inner].size:
            continue
        place = canvas.at((x, y, z))[:, dx, dy, dz]
        share, distance = _to_segment(place, a, b)
        here = distance - (np.float32(radii[i]) + share * np.float32(radii[i + 1] - radii[i]))
        nearer = here < level[inner]
        level[inner] = np.where(nearer, here, level[inner])
        along[inner] = np.where(nearer, np.float32(i) + share, along[inner])
    return (x, y, z), level, along


def _to_segment(place: Volume, a: NDArray[np.floating], b: NDArray[np.floating]) -> tuple[Volume, Volume]:
    """Where along a segment its nearest point lies, 0 to 1, and how far it is."""
    d = (b - a).astype(np.float32)
    p = [place[k] - np.float32(a[k]) for k in range(3)]
    share = np.clip((p[0] * d[0] + p[1] * d[1] + p[2] * d[2]) / np.float32(max(float(d @ d), 1e-6)), 0, 1)
    q = [p[k] - share * d[k] for k in range(3)]
    return share, np.sqrt(q[0] ** 2 + q[1] ** 2 + q[2] ** 2)
