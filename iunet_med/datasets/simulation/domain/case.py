"""One case of the widened world, deterministic in the seed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from iunet_med.datasets.simulation.anatomy import (
    Build,
    Template,
    compose,
    individual,
    load_template,
    sample_tissues,
    sample_volumes,
)
from iunet_med.datasets.simulation.case import SimulatedCase
from iunet_med.datasets.simulation.domain.anatomies import label_maps, mirrored, template_of_labels
from iunet_med.datasets.simulation.domain.lesions import grow_lesions, plan_foci
from iunet_med.datasets.simulation.domain.scanner import session, stripped
from iunet_med.datasets.simulation.domain.scans import Scan, list_scans, load_scan
from iunet_med.datasets.simulation.domain.signals import ideal_images, mixture
from iunet_med.datasets.simulation.fields import Grid
from iunet_med.datasets.simulation.tumor import mass_effect


@dataclass(frozen=True)
class _Start:
    """What a case is deformed from; a build of its own where averaging has not blurred it."""

    template: Template
    build: Build | None = None
    scan: Scan | None = None


def simulate_domain_random(
    seeds: Iterable[int], *, spacing_mm: float = 2.0, anatomies: Path | None = None, scans: Path | None = None
) -> Iterator[SimulatedCase]:
    """Simulate one patient after another; labels are those of `SimulatedCase`.

    Cases start from the MNI152 template and from what else is given, by turns of chance.

    Args:
        seeds: one per case, non-negative.
        spacing_mm: edge of the cubic voxels, 1 to 4 mm.
        anatomies: folder of label maps with FreeSurfer's numbers, to draw the contrasts of.
        scans: folder of real skull-stripped heads without tumour, t1, t1c, t2 and flair, whose own contrasts are kept.

    Raises:
        DatasetError: a head of `scans` cannot be read.
        FileNotFoundError: `anatomies` holds no label map.
        ImportError: nilearn, which carries the template, is missing; the extra `demo` brings it.
        ValueError: a label map is no brain.
    """
    maps = label_maps(anatomies) if anatomies else []
    heads = list_scans(scans) if scans else []
    for seed in seeds:
        shape_rng, tumor_rng, scan_rng = (np.random.default_rng(s) for s in np.random.SeedSequence((seed, 1)).spawn(3))
        chances = np.array([1.0, 2.0 * bool(maps), 1.0 * bool(heads)])
        source = shape_rng.choice(3, p=chances / chances.sum())
        if source == 0:
            start = _Start(load_template())
        elif source == 1:
            start = _of_labels(shape_rng, maps[int(shape_rng.integers(len(maps)))])
        else:
            scan = load_scan(heads[int(shape_rng.integers(len(heads)))])
            start = _Start(scan.template, Build(fluid=1.0, sharpness=1.0, strip=0.5), scan)
        yield _simulate(start, (shape_rng, tumor_rng, scan_rng), Grid(spacing_mm))


def _of_labels(rng: np.random.Generator, path: Path) -> _Start:
    template = template_of_labels(path)
    if rng.random() < 0.5:
        template = mirrored(template)
    build = Build(fluid=float(rng.uniform(0.8, 1.5)), sharpness=1.0, strip=float(rng.uniform(0.4, 0.7)))
    return _Start(template, build)


def _simulate(start: _Start, rngs: tuple[np.random.Generator, ...], grid: Grid) -> SimulatedCase:
    shape_rng, tumor_rng, scan_rng = rngs
    shape, build = individual(shape_rng, grid)
    shape = shape * np.float32(shape_rng.uniform(0.6, 1.1))
    build = start.build or build
    healthy = sample_tissues(shape, build, grid, template=start.template)
    kind, plans = plan_foci(tumor_rng, healthy, grid)
    pushed = compose(mass_effect(plans[0], healthy, grid), shape, grid) if plans else shape
    tissues = sample_tissues(pushed, build, grid, template=start.template)
    lesions = grow_lesions(tumor_rng, kind, plans, tissues, grid)
    mask = stripped(scan_rng, tissues.mask, grid)
    real = None
    if start.scan is not None:
        volumes = sample_volumes(start.scan.images.values(), start.template.affine, pushed, grid)
        real = dict(zip(start.scan.images, volumes, strict=True))
    parts = mixture(scan_rng, tissues, lesions, grid)
    images = session(scan_rng, ideal_images(scan_rng, tissues, parts, grid, real=real), mask, grid)
    label = np.where(mask, lesions.label, 0).astype(np.uint8)
    return SimulatedCase(images=images, label=label, affine=grid.affine)
