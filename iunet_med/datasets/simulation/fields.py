"""The voxel grid of a simulated image, and smooth random fields on it that do not depend on the voxel size."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

Volume = NDArray[np.float32]

FOV_MM = (176.0, 216.0, 184.0)
CORNER_MM = (-88.0, -125.0, -87.0)
"""Lowest corner of the field of view in MNI space, RAS+: the adult brain with about a centimetre of margin."""


@dataclass(frozen=True)
class Grid:
    """Cubic voxels of `spacing_mm` over a field of view, that of a brain unless another one is given."""

    spacing_mm: float
    fov_mm: tuple[float, float, float] = FOV_MM
    corner_mm: tuple[float, float, float] = CORNER_MM

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along X, Y, Z."""
        x, y, z = (round(extent / self.spacing_mm) for extent in self.fov_mm)
        return x, y, z

    @property
    def affine(self) -> NDArray[np.float64]:
        """Voxel index to RAS+ mm, (4, 4)."""
        affine = np.diag([self.spacing_mm] * 3 + [1.0])
        affine[:3, 3] = np.asarray(self.corner_mm) + self.spacing_mm / 2
        return affine

    def axes(self) -> list[Volume]:
        """Coordinates of the voxel centres in mm, shaped (X, 1, 1), (1, Y, 1), (1, 1, Z) to be broadcast."""
        steps = [c + self.spacing_mm * (np.arange(n) + 0.5) for c, n in zip(self.corner_mm, self.shape, strict=True)]
        return [a.reshape(np.roll([-1, 1, 1], i)).astype(np.float32) for i, a in enumerate(steps)]

    def count(self, volume_ml: float) -> int:
        """Number of voxels that hold a volume, at least one."""
        return max(1, round(1000 * volume_ml / self.spacing_mm**3))

    def index(self, point_mm: NDArray[np.float64]) -> tuple[int, int, int]:
        """Voxel that contains a point of the field of view, of whose far edge up to half a voxel may lie outside."""
        x, y, z = np.floor((point_mm - self.corner_mm) / self.spacing_mm).astype(int).clip(max=np.array(self.shape) - 1)
        return int(x), int(y), int(z)


def smooth_field(rng: np.random.Generator, grid: Grid, *, length_mm: float) -> Volume:
    """Random field (X, Y, Z) of mean 0 and variance 1 that varies over `length_mm`: B-splines with normal coefficients.

    The coefficients lie on a lattice in mm, so the same generator state gives the same field at every voxel size."""
    field: Volume = rng.standard_normal([ceil(extent / length_mm) + 3 for extent in grid.fov_mm], dtype=np.float32)
    for axis, n in enumerate(grid.shape):
        knot, t = np.divmod((np.arange(n) + 0.5) * grid.spacing_mm / length_mm, 1.0)
        splines = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 3 * (1 - t) ** 3 - 6 * (1 - t) ** 2 + 4, t**3)
        weights = [(b / 6).astype(np.float32).reshape(np.roll([-1, 1, 1], axis)) for b in splines]
        taps = [w * np.take(field, knot.astype(int) + j, axis) for j, w in enumerate(weights)]
        field = np.asarray((taps[0] + taps[1]) + (taps[2] + taps[3]))
    field /= np.float32(_SPLINE_POWER**1.5)
    return field


def wavy(rng: np.random.Generator, grid: Grid, waves: Iterable[tuple[float, float]]) -> Volume:
    """Random displacement (3, X, Y, Z) in mm, the sum of smooth fields of (standard deviation, length) mm."""
    waves = list(waves)
    moved = np.zeros((3, *grid.shape), np.float32)
    for component in moved:
        for amplitude_mm, length_mm in waves:
            component += np.float32(amplitude_mm) * smooth_field(rng, grid, length_mm=length_mm)
    return moved


_SPLINE_POWER = 151 / 315
"""Mean over the positions of the summed squared weights of the cubic B-spline, one axis."""


def soft_inside(level: Volume) -> Volume:
    """Share of each voxel in which a level function is negative, from its value and slope, (X, Y, Z) in [0, 1]."""
    squares = [g * g for g in np.gradient(level)]
    slope = np.sqrt(squares[0] + squares[1] + squares[2])
    share: Volume = np.clip(0.5 - level / np.maximum(slope, 1e-6), 0, 1)
    return share
