"""One simulated CT: a person built, bent, laid on the table, scanned and stored, deterministic in the seed."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from iunet_med.datasets.simulation.fields import Volume, smooth_field, wavy
from iunet_med.datasets.simulation.torso.ascites import paint_ascites
from iunet_med.datasets.simulation.torso.bowel import paint_bowel
from iunet_med.datasets.simulation.torso.build import Build, random_build
from iunet_med.datasets.simulation.torso.canvas import Canvas
from iunet_med.datasets.simulation.torso.chest import paint_chest, paint_gullet
from iunet_med.datasets.simulation.torso.frame import Frame, draw_frame
from iunet_med.datasets.simulation.torso.liver import paint_gallbladder, paint_liver
from iunet_med.datasets.simulation.torso.organ_painter import OrganPainter
from iunet_med.datasets.simulation.torso.real import list_scans, load_scan, vary
from iunet_med.datasets.simulation.torso.scan import add_metal, paint_table, scan
from iunet_med.datasets.simulation.torso.skeleton import paint_pelvis, paint_ribs, paint_spine
from iunet_med.datasets.simulation.torso.stored import SimulatedCt, stored
from iunet_med.datasets.simulation.torso.tissues import AIR, draw_tissues
from iunet_med.datasets.simulation.torso.trunk import paint_back_muscles, paint_trunk, shape_trunk
from iunet_med.datasets.simulation.torso.upper_abdomen import paint_pancreas, paint_spleen, paint_stomach
from iunet_med.datasets.simulation.torso.urinary import paint_adrenals, paint_bladder, paint_kidneys
from iunet_med.datasets.simulation.torso.vessels import paint_psoas, paint_vessels

MARGIN_MM = 16.0
"""How far the deformation may move anything: three standard deviations of its fields are less."""


def simulate_ct(seed: int, *, spacing_mm: float = 3.0) -> SimulatedCt:
    """Simulate one person's CT; every seed is another one.

    Args:
        seed: non-negative; the only source of chance.
        spacing_mm: edge of the cubic voxels, 1 to 6 mm.

    Raises:
        ValueError: seed or spacing_mm is out of range.
    """
    if not 1 <= spacing_mm <= 6:
        raise ValueError(f"spacing_mm is {spacing_mm}, but the CT simulator makes voxels of 1 to 6 mm; use 3.0, say.")
    if seed < 0:
        raise ValueError(f"seed is {seed}, but it must not be negative; use 0, say.")
    who, where, inside, scanner = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(4))
    build = random_build(who)
    frame = draw_frame(where, build)
    canvas = _blank(where, frame, spacing_mm)
    skin = _paint_person(canvas, build, frame, inside)
    paint_table(canvas, skin, frame.grid(spacing_mm), scanner)
    image = scan(canvas.hu, spacing_mm, add_metal(canvas, scanner), scanner)
    return stored(image, canvas.label, frame, spacing_mm, build.phase)


def simulate_cts(seeds: Iterable[int], *, spacing_mm: float = 3.0, scans: Path | None = None) -> Iterator[SimulatedCt]:
    """Simulate one person after another, each only when it is asked for, so that one at a time is in memory.

    Args:
        seeds: one per person, non-negative.
        spacing_mm: edge of the cubic voxels, 1 to 6 mm.
        scans: data set of real CTs with labels of all organs of `ORGAN_VALUES`; by turns of chance, half of the people
            are one of these, deformed and recoloured.

    Raises:
        DatasetError: a scan lacks organs or cannot be read.
        ValueError: a seed or spacing_mm is out of range.
    """
    real = list_scans(scans) if scans else []
    for seed in seeds:
        rng = np.random.default_rng(np.random.SeedSequence((seed, 1)))
        if real and rng.random() < 0.5:
            yield vary(load_scan(real[int(rng.integers(len(real)))]), rng, spacing_mm=spacing_mm)
        else:
            yield simulate_ct(seed, spacing_mm=spacing_mm)


def _blank(rng: np.random.Generator, frame: Frame, spacing_mm: float) -> Canvas:
    """Air, and for each voxel its place in the body before it was bent."""
    grid = frame.grid(spacing_mm)
    to_body = np.eye(4)
    to_body[:3, :3] = frame.to_body
    return Canvas(
        hu=np.full(grid.shape, AIR, np.float32),
        label=np.zeros(grid.shape, np.uint8),
        place=frame.places(spacing_mm) + wavy(rng, grid, ((4.2, 110.0), (2.0, 45.0), (0.6, 20.0))),
        to_voxel=np.asarray(np.linalg.inv(to_body @ grid.affine), np.float64),
        margin_mm=MARGIN_MM,
        spacing_mm=spacing_mm,
    )


def _paint_person(canvas: Canvas, build: Build, frame: Frame, rng: np.random.Generator) -> Volume:
    """Paint everything from the outside in, what lies in front last; returns the level of the skin."""
    tissues = draw_tissues(rng, build)
    grid = frame.grid(canvas.spacing_mm)
    coarse = smooth_field(rng, grid, length_mm=13)
    fine = smooth_field(rng, grid, length_mm=max(4.0, 1.5 * canvas.spacing_mm))
    grain = (coarse, fine)
    trunk = shape_trunk(canvas, build)
    paint_trunk(canvas, trunk, build, tissues, grain)
    paint_back_muscles(canvas, trunk, build, tissues, fine)
    paint_ascites(canvas, trunk, build, tissues)
    paint_bowel(canvas, trunk, build, tissues, grain, rng)
    paint_chest(canvas, trunk, build, tissues, grain, rng)
    paint_gullet(canvas, build, tissues)
    organs = OrganPainter(canvas, trunk, build, tissues, grain, rng)
    paint_bladder(organs)
    paint_stomach(organs)
    paint_liver(organs)
    paint_gallbladder(organs)
    paint_spleen(organs)
    paint_psoas(canvas, trunk, build, tissues, coarse)
    paint_kidneys(organs)
    paint_pancreas(organs)
    paint_adrenals(organs)
    paint_vessels(canvas, build, tissues, fine, rng)
    paint_ribs(canvas, build, tissues, fine)
    paint_pelvis(canvas, trunk, build, tissues, fine)
    paint_spine(canvas, build, tissues, fine)
    return trunk.skin
