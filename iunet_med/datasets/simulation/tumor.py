"""Brain tumours: a necrotic core inside an enhancing rim, oedema that follows white matter, and mass effect."""

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from iunet_med.datasets.simulation.anatomy import Displacement, Tissues, push, without_folds
from iunet_med.datasets.simulation.fields import CORNER_MM, FOV_MM, Grid, Volume, smooth_field, soft_inside
from iunet_med.datasets.simulation.growth import arrival

NECROSIS, EDEMA, ENHANCING = 1, 2, 3
"""Label values of BraTS 2023."""

SPEED = {"wm": 1.0, "gm": 0.12, "csf": 0.02}
"""Speed of the oedema's front. Glioma cells diffuse more than five times faster in white than in grey
matter (Swanson, Alvord, Murray, Cell Prolif. 33, 2000); oedema spreads between the fibres and stops at fluid."""


@dataclass(frozen=True)
class TumorPlan:
    """Where a tumour grows and how big it gets: RAS+ mm and ml."""

    centre_mm: NDArray[np.float64]
    satellite_mm: NDArray[np.float64] | None
    whole_ml: float
    core_ml: float
    necrosis_ml: float
    pressure: float

    @property
    def radius_mm(self) -> float:
        """Radius of the sphere with the core's volume."""
        return float((3000 * self.core_ml / (4 * pi)) ** (1 / 3))


@dataclass(frozen=True)
class Tumor:
    """Fractions of a voxel that are necrosis and enhancing rim, share of oedema in what is left, and the labels."""

    necrosis: Volume
    enhancing: Volume
    edema: Volume
    label: NDArray[np.uint8]


def plan_tumor(rng: np.random.Generator, tissues: Tissues, grid: Grid) -> TumorPlan:
    """Volumes with the spread of glioblastoma series (whole tumour 10-150 ml), a centre in cerebral white matter."""
    whole = float(np.clip(70 * np.exp(rng.normal(0, 0.6)), 10, 150))
    core = whole * float(np.clip(rng.beta(4, 5.5), 0.12, 0.8))
    necrosis = core * float(np.clip(rng.beta(2, 3), 0.06, 0.7))
    return place_tumor(rng, tissues, grid, whole_ml=whole, core_ml=core, necrosis_ml=necrosis)


def place_tumor(
    rng: np.random.Generator, tissues: Tissues, grid: Grid, *, whole_ml: float, core_ml: float, necrosis_ml: float
) -> TumorPlan:
    """A tumour of these volumes with its centre in cerebral white matter, one in five with a satellite."""
    depth = ndimage.distance_transform_edt(tissues.mask, sampling=grid.spacing_mm).astype(np.float32)
    radius = (3000 * core_ml / (4 * pi)) ** (1 / 3)
    centre = _white_matter_point(rng, tissues, depth > min(max(10, 0.75 * radius), 24), grid)
    satellite = None
    if rng.random() < 0.2:
        near = _white_matter_point(rng, tissues, depth > 10, grid) - centre
        satellite = centre + near * min(1.0, 2.1 * radius / float(np.linalg.norm(near)))
    pressure = float(rng.uniform(0.4, 0.9))
    return TumorPlan(centre, satellite, whole_ml, core_ml, necrosis_ml, pressure=pressure)


def _white_matter_point(
    rng: np.random.Generator, tissues: Tissues, allowed: NDArray[np.bool_], grid: Grid
) -> NDArray[np.float64]:
    """The first of a fixed sequence of random points that lies in allowed cerebral white matter off the midline."""
    points = np.asarray(CORNER_MM) + rng.random((20_000, 3)) * FOV_MM
    side, front, height = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    cerebral = (side > 12) & ((height > 2) | ((height > -22) & (front > -25) & (side > 28)))
    for point in points[cerebral]:
        here = grid.index(point)
        if allowed[here] and tissues.wm[here] > 0.6:
            return np.asarray(point)
    raise RuntimeError(
        "No white matter was found for the tumour; the deformed brain does not lie in the field of view."
    )


def mass_effect(plan: TumorPlan, tissues: Tissues, grid: Grid) -> Displacement:
    """Displacement of tissue away from the tumour, (3, X, Y, Z) mm; it ends at the brain's surface: the skull holds."""
    radius = plan.radius_mm * 1.15
    outwards = push(grid, plan.centre_mm, radius_mm=radius, amount_mm=plan.pressure * radius)
    depth = ndimage.distance_transform_edt(tissues.mask, sampling=grid.spacing_mm).astype(np.float32)
    t = np.clip(depth / 25, 0, 1)
    outwards *= t * t * (3 - 2 * t)
    return without_folds(outwards, grid)


def grow_tumor(rng: np.random.Generator, plan: TumorPlan, tissues: Tissues, grid: Grid) -> Tumor:
    """Core, necrosis and oedema of the planned volumes, in a brain that already gives way; nested by construction."""
    core = _core_level(rng, plan, tissues, grid)
    core -= _level_of(core, tissues.mask, grid.count(plan.core_ml))
    in_core = (core < 0) & tissues.mask

    thickness: Volume = np.exp(
        0.6 * smooth_field(rng, grid, length_mm=14) + 0.25 * smooth_field(rng, grid, length_mm=6)
    )
    needed = -core / thickness
    rim = -_level_of(-needed, in_core, min(grid.count(plan.necrosis_ml), int(in_core.sum()) - 1))
    dead = core + rim * thickness
    in_necrosis = in_core & (dead < 0)

    lag = _edema_lag(rng, plan, tissues, grid, in_core)
    in_whole = in_core | ((lag < 0) & tissues.mask)

    inside = soft_inside(core) * tissues.mask
    necrosis = np.minimum(soft_inside(dead), inside)
    water = _water(rng, lag, grid)
    label = np.zeros(grid.shape, np.uint8)
    label[in_whole] = EDEMA
    label[in_core] = ENHANCING
    label[in_necrosis] = NECROSIS
    return Tumor(necrosis=necrosis, enhancing=inside - necrosis, edema=water, label=label)


def _water(rng: np.random.Generator, lag: Volume, grid: Grid) -> Volume:
    """Share of oedema, (X, Y, Z) in [0, 1]: it fades at the front, grows towards the core, and is patchy."""
    most, fade_mm = np.float32(rng.uniform(0.7, 1.0)), np.float32(rng.uniform(5, 10))
    edge = np.clip(0.5 - lag / 5, 0, 1)
    towards_core = 1 - np.float32(0.4) * np.exp(np.minimum(lag, 0) / fade_mm)
    patches = 1 + 0.12 * smooth_field(rng, grid, length_mm=14) + 0.08 * smooth_field(rng, grid, length_mm=6)
    water: Volume = np.clip(most * edge * towards_core * patches, 0, 1)
    return water


def _level_of(values: Volume, where: NDArray[np.bool_], count: int) -> float:
    """Level below which `count` voxels of `where` lie, midway between two voxels."""
    inside = values[where]
    below, above = np.partition(inside, (count - 1, count))[count - 1 : count + 1]
    return float((below + above) / 2)


def _core_level(rng: np.random.Generator, plan: TumorPlan, tissues: Tissues, grid: Grid) -> Volume:
    """About the distance in mm from the tumour's centre, in a warped space: its level sets are lobed ellipsoids."""
    stretch = np.exp(rng.normal(0, 0.22, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    shape = turn @ np.diag(stretch / stretch.prod() ** (1 / 3)) @ turn.T
    bend = [
        np.float32(0.22 * plan.radius_mm) * smooth_field(rng, grid, length_mm=20)
        + np.float32(0.09 * plan.radius_mm) * smooth_field(rng, grid, length_mm=9)
        for _ in range(3)
    ]
    rough = np.float32(0.7) * smooth_field(rng, grid, length_mm=5)

    def distance(centre: NDArray[np.float64]) -> Volume:
        offset = [a - np.float32(c) + b for a, c, b in zip(grid.axes(), centre, bend, strict=True)]
        rows = [sum(np.float32(m) * o for m, o in zip(row, offset, strict=True)) for row in shape]
        return np.asarray(np.sqrt(rows[0] ** 2 + rows[1] ** 2 + rows[2] ** 2), dtype=np.float32)

    level = distance(plan.centre_mm)
    if plan.satellite_mm is not None:
        level = np.minimum(level, distance(plan.satellite_mm) + np.float32(0.5 * plan.radius_mm))
    fluid = ndimage.gaussian_filter(tissues.csf, 2.0 / grid.spacing_mm)
    return np.asarray(level + rough + np.float32(0.7 * plan.radius_mm) * fluid)


def _edema_lag(
    rng: np.random.Generator, plan: TumorPlan, tissues: Tissues, grid: Grid, in_core: NDArray[np.bool_]
) -> Volume:
    """How much too late the oedema's front comes, in mm of white matter: negative inside, (X, Y, Z)."""
    swirl = np.exp(0.5 * smooth_field(rng, grid, length_mm=16) + 0.3 * smooth_field(rng, grid, length_mm=7))
    speed = (SPEED["wm"] * tissues.wm + SPEED["gm"] * tissues.gm + SPEED["csf"] * tissues.csf) * swirl
    margin = round(50 / grid.spacing_mm)
    spans = [np.flatnonzero(in_core.any(tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    box = tuple(slice(max(0, s[0] - margin), s[-1] + 1 + margin) for s in spans)
    enough = min(grid.count(plan.whole_ml), int(tissues.mask[box].sum()) - 1)
    slowness = np.where(tissues.mask, 1 / speed, np.float32(50)).astype(np.float32)
    time = arrival(in_core[box], slowness[box], spacing_mm=grid.spacing_mm, enough=enough)
    lag = np.full(grid.shape, np.float32(1e3))
    lag[box] = time - _level_of(time, tissues.mask[box], max(enough, int(in_core.sum()) + 1))
    return lag
