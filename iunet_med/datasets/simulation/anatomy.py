"""Healthy brains: tissue fractions of the MNI152 template, deformed into one individual."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from iunet_med.datasets.simulation.fields import CORNER_MM, Grid, Volume, wavy

Displacement = NDArray[np.float32]
"""(3, X, Y, Z) in mm. It points from a place in the image to the place in the template where its tissue is found."""

TEMPLATE_T1 = {"wm": 0.88, "gm": 0.66, "csf": 0.27}
"""Median of the MNI152 T1 (maximum 1) where the fraction of that tissue exceeds 0.9."""


@dataclass(frozen=True)
class Tissues:
    """Fractions of white matter, grey matter and fluid, each (X, Y, Z), that add up to one, also outside the brain.

    `detail` is the template's T1 signal beyond what the fractions explain (deep grey matter, thin tracts)."""

    wm: Volume
    gm: Volume
    csf: Volume
    detail: Volume
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class Build:
    """What sets one brain apart besides its shape.

    Args:
        fluid: weight of fluid against tissue; wide sulci where it is high.
        sharpness: the power to which fractions are raised, see `sharpened`.
        strip: how sure a voxel must be brain to survive skull stripping, 0.5 to 1.
    """

    fluid: float
    sharpness: float
    strip: float


@dataclass(frozen=True)
class Template:
    """Mean of 152 brains at 1 mm: tissue fractions as in `Tissues`, how surely a voxel is brain, index to mm (4, 4)."""

    wm: Volume
    gm: Volume
    csf: Volume
    detail: Volume
    brain: Volume
    affine: NDArray[np.float64]


@lru_cache(maxsize=1)
def load_template() -> Template:
    """The MNI152 template. Raises ImportError where nilearn, which carries it, is missing.

    Source: Fonov et al., NeuroImage 54 (2011), ICBM 2009a nonlinear symmetric."""
    try:
        from nilearn import datasets
    except ImportError as error:
        raise ImportError(f"{error}; the simulator needs it: pip install 'iunet-med[demo]'") from error
    with warnings.catch_warnings():
        maps = [
            load(resolution=1)
            for load in (
                datasets.load_mni152_template,
                datasets.load_mni152_gm_template,
                datasets.load_mni152_wm_template,
            )
        ]
    t1, gm, wm = (np.asarray(image.dataobj, dtype=np.float32) for image in maps)
    csf = np.clip(1 - gm - wm, 0, 1)
    expected = TEMPLATE_T1["wm"] * wm + TEMPLATE_T1["gm"] * gm + TEMPLATE_T1["csf"] * csf
    # Sulci that differ between the 152 brains survive in the mean only as shallow valleys; deepen them.
    valleys = ndimage.gaussian_filter(expected, 3.0) - expected
    return Template(
        wm=wm,
        gm=gm,
        csf=csf + np.clip(1.5 * valleys, 0, 0.5),
        detail=np.where(t1 > 0, t1 - expected, 0).astype(np.float32),
        brain=ndimage.gaussian_filter((t1 > 0).astype(np.float32), 1.5),
        affine=np.asarray(maps[0].affine, dtype=np.float64),
    )


def individual(rng: np.random.Generator, grid: Grid) -> tuple[Displacement, Build]:
    """Random shape and build: head size and tilt, ventricle size, lobes, gyri."""
    scale = np.exp(np.clip(rng.normal(0, 0.035, 3), -0.06, 0.06))
    tilt = np.radians(rng.normal(0, 3, 3))
    shear = np.diag(scale - 1) + np.array([[0, -tilt[2], tilt[1]], [tilt[2], 0, -tilt[0]], [-tilt[1], tilt[0], 0]])
    x, y, z = grid.axes()
    warp = wavy(rng, grid, ((2.5, 60.0), (1.4, 26.0), (0.9, 13.0)))
    for axis, (a, b, c) in enumerate(shear.astype(np.float32)):
        warp[axis] += a * x + b * (y + 17) + c * z
    ventricles = np.array([0.0, -15.0, 14.0])
    warp += push(grid, ventricles, radius_mm=32, amount_mm=float(rng.uniform(-5, 11)))
    build = Build(
        fluid=float(rng.uniform(1.0, 2.5)), sharpness=float(rng.uniform(1.6, 2.1)), strip=float(rng.uniform(0.5, 0.85))
    )
    return without_folds(warp, grid), build


def push(grid: Grid, centre_mm: NDArray[np.float64], *, radius_mm: float, amount_mm: float) -> Displacement:
    """Displacement by something that grows around a point; tissue moves outwards, at most by about half of `amount_mm`.

    It is largest near `radius_mm` and falls with the squared distance beyond, as around a sphere in an incompressible
    medium. It cannot fold while `amount_mm < radius_mm`."""
    offset = [axis - np.float32(c) for axis, c in zip(grid.axes(), centre_mm, strict=True)]
    ratio = np.sqrt(offset[0] ** 2 + offset[1] ** 2 + offset[2] ** 2) / np.float32(radius_mm)
    pull = np.float32(-amount_mm / radius_mm) / (1 + ratio**3)
    return np.stack([pull * o for o in offset])


def jacobian(displacement: Displacement, grid: Grid) -> Volume:
    """Determinant of the derivative of x -> x + displacement(x), (X, Y, Z); positive where nothing folds."""
    rows = [list(np.gradient(component, grid.spacing_mm)) for component in displacement]
    for axis in range(3):
        rows[axis][axis] = rows[axis][axis] + 1
    (a, b, c), (d, e, f), (g, h, i) = rows
    determinant: Volume = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    return determinant


def without_folds(displacement: Displacement, grid: Grid) -> Displacement:
    """The displacement, made smaller in steps of a tenth until its Jacobian exceeds 0.1 everywhere."""
    while jacobian(displacement, grid).min() <= 0.1:
        displacement = displacement * np.float32(0.9)
    return displacement


def compose(first: Displacement, second: Displacement, grid: Grid) -> Displacement:
    """Displacement that follows `first` and, from where that leads, `second`; it folds only if one of them does."""
    index = [
        (axis + d - np.float32(corner)) / np.float32(grid.spacing_mm) - np.float32(0.5)
        for axis, d, corner in zip(grid.axes(), first, CORNER_MM, strict=True)
    ]
    moved = [ndimage.map_coordinates(c, index, order=1, mode="nearest", prefilter=False) for c in second]
    total: Displacement = first + np.stack(moved)
    return total


def sample_tissues(
    displacement: Displacement, build: Build, grid: Grid, *, template: Template | None = None
) -> Tissues:
    """Tissues of MNI152 or another template seen through a displacement; the build sharpens what averaging blurred."""
    template = template or load_template()
    volumes = [template.wm, template.gm, template.csf, template.brain, template.detail]
    wm, gm, csf, brain, detail = sample_volumes(volumes, template.affine, displacement, grid)
    return sharpened(Tissues(wm=wm, gm=gm, csf=csf, detail=detail, mask=brain > build.strip), build)


def sample_volumes(
    volumes: Iterable[NDArray[np.generic]], affine: NDArray[np.float64], displacement: Displacement, grid: Grid
) -> list[Volume]:
    """Volumes seen through a displacement, 0 outside of them; their affine, index to mm, has no rotation."""
    to_index = np.linalg.inv(affine)
    index = [
        np.float32(to_index[i, i]) * (axis + shift) + np.float32(to_index[i, 3])
        for i, (axis, shift) in enumerate(zip(grid.axes(), displacement, strict=True))
    ]
    return [ndimage.map_coordinates(v, index, output=np.float32, order=1, prefilter=False) for v in volumes]


def sharpened(tissues: Tissues, build: Build) -> Tissues:
    """Fractions raised to a power and weighted, so that an average of many brains looks like one of them."""
    power = np.float32(build.sharpness)
    parts: Sequence[Volume] = [
        tissues.wm**power,
        tissues.gm**power,
        np.maximum(np.float32(build.fluid) * tissues.csf**power, 1e-6),
    ]
    total = parts[0] + parts[1] + parts[2]
    return replace(tissues, wm=parts[0] / total, gm=parts[1] / total, csf=parts[2] / total)
