"""Foam: a cylinder with spherical holes of many sizes that do not overlap."""

import math

import numpy as np
from numpy.typing import NDArray

from iunet_med.datasets.simulation.fields import Volume

SMALLEST_VOXELS = 0.75
"""Holes of a smaller radius would not be seen."""


def place_holes(
    rng: np.random.Generator, *, holes: int, largest: float = 0.2, points: int = 100_000
) -> NDArray[np.float64]:
    """Spheres in the cylinder of radius and half height 1, (holes or fewer, 4): x, y, z, radius.

    Each is put where there is most room among random points, and no larger than a limit that falls by chance; so the
    first are large, and small ones fill the gaps between them.

    Source of the kind of phantom: Pelt, Hendriksen, Batenburg, J. Synchrotron Rad. 29 (2022) 254.
    """
    centres = rng.uniform(-1, 1, (points, 3))
    across = np.hypot(centres[:, 0], centres[:, 1])
    room = np.minimum(0.98 - across, 0.98 - np.abs(centres[:, 2]))
    found = []
    for _ in range(holes):
        limit = largest * rng.uniform(0.05, 1) ** 1.5
        enough = np.flatnonzero(room >= limit)
        index = int(rng.choice(enough)) if len(enough) else int(room.argmax())
        radius = float(min(room[index], limit))
        if radius <= 0:
            break
        found.append([*centres[index], radius])
        room = np.minimum(room, np.linalg.norm(centres - centres[index], axis=1) - radius)
    return np.array(found).reshape(-1, 4)


def simulate_foam(seed: int, *, size: int, holes: int = 1000) -> Volume:
    """A cube of foam (size, size, size), 1 in the material and 0 in holes and around; edges take a voxel's share.

    Args:
        seed: non-negative; the only source of chance. The same seed is the same foam at every size.
        size: voxels along each axis; the cylinder stands along the last one and fills it.
        holes: at most how many.

    Raises:
        ValueError: `size` below 8, or `seed` or `holes` below 0.
    """
    if size < 8 or seed < 0 or holes < 0:
        raise ValueError(
            f"size={size}, seed={seed}, holes={holes}: expected a size of 8 voxels or more, the others not negative."
        )
    half = size / 2
    place = (np.arange(size) + 0.5 - half).astype(np.float32)
    across = np.hypot(place[:, None], place[None, :])
    disc = np.clip(half * 0.98 - across + 0.5, 0, 1)
    tall = np.clip(half * 0.98 - np.abs(place) + 0.5, 0, 1)
    foam = (disc[:, :, None] * tall).astype(np.float32)
    for *centre, radius in place_holes(np.random.default_rng(seed), holes=holes) * half:
        if radius >= SMALLEST_VOXELS:
            _cut(foam, np.asarray(centre) + half, radius)
    return foam


def _cut(foam: Volume, centre: NDArray[np.float64], radius: float) -> None:
    """Take a sphere out; centre and radius in voxels from the corner."""
    box = tuple(slice(max(0, math.floor(c - radius - 1)), math.ceil(c + radius + 1)) for c in centre)
    spans = [np.arange(n)[part] + 0.5 - c for n, part, c in zip(foam.shape, box, centre, strict=True)]
    x, y, z = (span.reshape(np.roll([-1, 1, 1], axis)) for axis, span in enumerate(spans))
    outside = np.clip(np.sqrt(x * x + y * y + z * z) - radius + 0.5, 0, 1)
    foam[box] = np.minimum(foam[box], outside.astype(np.float32))
