"""One simulated patient: anatomy, tumour and four MR contrasts put together, deterministic in the seed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iunet_med.datasets.simulation.anatomy import compose, individual, sample_tissues
from iunet_med.datasets.simulation.contrast import acquire
from iunet_med.datasets.simulation.fields import Grid
from iunet_med.datasets.simulation.tumor import grow_tumor, mass_effect, plan_tumor


@dataclass(frozen=True)
class SimulatedCase:
    """Skull-stripped MRI of a simulated brain with a tumour.

    Args:
        images: "t1", "t1c", "t2", "flair" in this order, each (X, Y, Z) float32, arbitrary units, 0 outside the brain.
        label: (X, Y, Z) uint8, values of BraTS 2023: 0 background, 1 necrotic core, 2 oedema, 3 enhancing tumour.
        affine: voxel index to RAS+ mm, (4, 4) float64.
    """

    images: dict[str, NDArray[np.float32]]
    label: NDArray[np.uint8]
    affine: NDArray[np.float64]


def simulate_case(seed: int, *, spacing_mm: float = 2.0) -> SimulatedCase:
    """Simulate one patient; every seed is another one, and the same one at another voxel size but for its noise.

    Args:
        seed: non-negative; the only source of chance.
        spacing_mm: edge of the cubic voxels, 1 to 4 mm.

    Raises:
        ImportError: scipy or nilearn is missing; the extra `demo` brings them.
        ValueError: seed or spacing_mm is out of range.
    """
    if not 1 <= spacing_mm <= 4:
        raise ValueError(f"spacing_mm is {spacing_mm}, but the simulator makes voxels of 1 to 4 mm; use 2.0, say.")
    if seed < 0:
        raise ValueError(f"seed is {seed}, but it must not be negative; use 0, say.")
    shape_rng, tumor_rng, scan_rng = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(3))
    grid = Grid(spacing_mm)
    shape, build = individual(shape_rng, grid)
    healthy = sample_tissues(shape, build, grid)
    plan = plan_tumor(tumor_rng, healthy, grid)
    tissues = sample_tissues(compose(mass_effect(plan, healthy, grid), shape, grid), build, grid)
    tumor = grow_tumor(tumor_rng, plan, tissues, grid)
    return SimulatedCase(images=acquire(scan_rng, tissues, tumor, grid), label=tumor.label, affine=grid.affine)


def simulate_cases(seeds: Iterable[int], *, spacing_mm: float = 2.0) -> Iterator[SimulatedCase]:
    """Simulate one patient after another, each only when it is asked for, so that one at a time is in memory."""
    for seed in seeds:
        yield simulate_case(seed, spacing_mm=spacing_mm)
