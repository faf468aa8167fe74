"""Foam as a scanner with few angles, few photons and a leaning axis shows it, beside the truth."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import radians
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool3d

from iunet_med.datasets.simulation.foam import simulate_foam
from iunet_med.datasets.simulation.writers import write_image
from iunet_med.tomography import Geometry, filtered_backprojection, photon_noise, project

ABSORPTION = 2.0
"""Line integral along the cylinder's diameter without holes: one photon of seven arrives."""
SLANT, JITTER, SHIFT = radians(2), radians(0.5), 0.5
"""How much the axis leans, by how much it wanders from angle to angle, and the object, in voxels."""


@dataclass(frozen=True)
class FoamScan:
    """One phantom.

    Args:
        truth: (N, N, N) float32, 1 in the material.
        reconstruction: filtered backprojection of all angles, which takes the axis for upright, (N, N, N).
        sets: those of every set of angles, (sets, N, N, N).
    """

    truth: Tensor
    reconstruction: Tensor
    sets: Tensor


def simulate_foam_scan(seed: int, *, size: int = 64, angles: int = 64, photons: float = 1e3, sets: int = 4) -> FoamScan:
    """Simulate a phantom at twice the resolution, measure it, and reconstruct it by who knows nothing of the axis.

    Args:
        seed: non-negative; the only source of chance.
        size: N, voxels along each axis.
        angles: projections over half a turn.
        photons: those sent along each ray.
        sets: into how many sets of every so many-th angle the projections are parted.

    Raises:
        ValueError: `angles` is no multiple of `sets`; others as of `simulate_foam` and `photon_noise`.
    """
    if angles < 1 or angles % sets:
        raise ValueError(f"angles={angles}: expected a positive multiple of {sets}, as they are parted into sets.")
    rng = torch.Generator().manual_seed(seed)
    fine = torch.from_numpy(simulate_foam(seed, size=2 * size))[None, None]
    geometry = Geometry.perturbed(angles, slant=SLANT, jitter=JITTER, shift=2 * SHIFT, generator=rng)
    scale = ABSORPTION / (2 * size)
    integrals = (scale * project(fine, geometry)).reshape(1, angles, size, 2, size, 2).mean((3, 5))
    measured = photon_noise(integrals, photons, generator=rng) / (2 * scale)

    def reconstruct(part: slice) -> Tensor:
        return filtered_backprojection(measured[:, part], geometry.angles[part], window="hann")[0, 0]

    each = torch.stack([reconstruct(slice(first, None, sets)) for first in range(sets)])
    return FoamScan(avg_pool3d(fine, 2)[0, 0], reconstruct(slice(None)), each)


def simulate_foam_scans(seeds: Iterable[int], *, size: int, angles: int, photons: float) -> Iterator[FoamScan]:
    """Simulate one phantom after another, each only when it is asked for."""
    for seed in seeds:
        yield simulate_foam_scan(seed, size=size, angles=angles, photons=photons, sets=1)


def write_foam(folder: str | Path, scans: Iterable[FoamScan], *, start: int = 0) -> list[Path]:
    """Write a folder per phantom with `_fbp` and `_truth`, float32 NIfTI with voxels of 1 mm; return the folders."""
    written = []
    for number, scan in enumerate(scans, start):
        target = Path(folder) / f"Foam-{number:05d}"
        for name, volume in (("fbp", scan.reconstruction), ("truth", scan.truth)):
            write_image(target / f"{target.name}_{name}.nii.gz", volume.numpy().astype(np.float32), np.eye(4))
        written.append(target)
    return written
