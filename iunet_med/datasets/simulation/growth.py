"""How far something that spreads at a given local speed has come: the eikonal equation on a voxel grid."""

import numpy as np
from numpy.typing import NDArray

from iunet_med.datasets.simulation.fields import Volume

FAR = np.float32(1e6)


def arrival(source: NDArray[np.bool_], slowness: Volume, *, spacing_mm: float, enough: int) -> Volume:
    """Time of arrival T (X, Y, Z) from `source`, where T = 0: |grad T| = slowness, in the unit of slowness times mm.

    Upwind differences (Rouy and Tourin, SIAM J. Numer. Anal. 29, 1992) are repeated on all voxels until the `enough`
    earliest ones have settled to 1 %; later ones are upper bounds. `slowness` is positive, (X, Y, Z)."""
    time: Volume = np.where(source, np.float32(0), FAR)
    step = slowness * np.float32(spacing_mm)
    last, latest = np.inf, FAR
    while latest < 0.99 * last or latest == FAR:
        for _ in range(10):
            time = np.minimum(time, _upwind(time, step))
        last, latest = latest, np.partition(time, enough - 1, axis=None)[enough - 1]
    return time


def _upwind(time: Volume, step: Volume) -> Volume:
    """The smallest arrival time that the six neighbours explain."""
    padded = np.pad(time, 1, constant_values=FAR)
    near = [
        np.minimum(padded[:-2, 1:-1, 1:-1], padded[2:, 1:-1, 1:-1]),
        np.minimum(padded[1:-1, :-2, 1:-1], padded[1:-1, 2:, 1:-1]),
        np.minimum(padded[1:-1, 1:-1, :-2], padded[1:-1, 1:-1, 2:]),
    ]
    low, high = np.minimum(near[0], near[1]), np.maximum(near[0], near[1])
    first, rest = np.minimum(low, near[2]), np.maximum(low, near[2])
    second, third = np.minimum(rest, high), np.maximum(rest, high)
    one = first + step
    gap = second - first
    two = (first + second + np.sqrt(np.maximum(2 * step**2 - gap**2, 0))) / 2
    mean = (first + second + third) / 3
    spread = (first - mean) ** 2 + (second - mean) ** 2 + (third - mean) ** 2
    three = mean + np.sqrt(np.maximum(step**2 - spread, 0) / 3)
    return np.where(one <= second, one, np.where(two <= third, two, three))
