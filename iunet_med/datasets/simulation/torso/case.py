"""One simulated CT: a person built, bent, laid on the table, scanned and stored, deterministic in the seed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iunet_med.datasets.simulation.fields import Volume, smooth_field
from iunet_med.datasets.simulation.torso.ascites import paint_ascites
from iunet_med.datasets.simulation.torso.bowel import paint_bowel
from iunet_med.datasets.simulation.torso.build import Build, random_build
from iunet_med.datasets.simulation.torso.canvas import Canvas
from iunet_med.datasets.simulation.torso.chest import paint_chest, paint_gullet
from iunet_med.datasets.simulation.torso.frame import Frame, draw_frame
from iunet_med.datasets.simulation.torso.liver import paint_gallbladder, paint_liver
from iunet_med.datasets.simulation.torso.organ_painter import OrganPainter
from iunet_med.datasets.simulation.torso.scan import add_metal, paint_table, scan
from iunet_med.datasets.simulation.torso.skeleton import paint_pelvis, paint_ribs, paint_spine
from iunet_med.datasets.simulation.torso.tissues import AIR, draw_tissues
from iunet_med.datasets.simulation.torso.trunk import paint_back_muscles, paint_trunk, shape_trunk
from iunet_med.datasets.simulation.torso.upper_abdomen import paint_pancreas, paint_spleen, paint_stomach
from iunet_med.datasets.simulation.torso.urinary import paint_adrenals, paint_bladder, paint_kidneys
from iunet_med.datasets.simulation.torso.vessels import paint_psoas, paint_vessels

MARGIN_MM = 16.0
"""How far the deformation may move anything: three standard deviations of its fields are less."""


@dataclass(frozen=True)
class SimulatedCt:
    """CT of a simulated torso.

    Args:
        image: (X, Y, Z) int16, Hounsfield units.
        label: (X, Y, Z) uint8, values of `ORGAN_VALUES`, 0 for what has no name there.
        affine: voxel index to RAS+ mm, (4, 4) float64.
        phase: of the contrast medium: native, arterial, portal or delayed.
    """

    image: NDArray[np.int16]
    label: NDArray[np.uint8]
    affine: NDArray[np.float64]
    phase: str


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
    return _stored(image, canvas.label, frame, spacing_mm, build.phase)


def simulate_cts(seeds: Iterable[int], *, spacing_mm: float = 3.0) -> Iterator[SimulatedCt]:
    """Simulate one person after another, each only when it is asked for, so that one at a time is in memory."""
    for seed in seeds:
        yield simulate_ct(seed, spacing_mm=spacing_mm)


def _blank(rng: np.random.Generator, frame: Frame, spacing_mm: float) -> Canvas:
    """Air, and for each voxel its place in the body before it was bent."""
    grid = frame.grid(spacing_mm)
    axes, matrix = grid.axes(), frame.to_body.astype(np.float32)
    place = np.empty((3, *grid.shape), np.float32)
    for k in range(3):
        place[k] = matrix[k, 0] * axes[0] + matrix[k, 1] * axes[1] + matrix[k, 2] * axes[2]
        for amplitude_mm, length_mm in ((4.2, 110.0), (2.0, 45.0), (0.6, 20.0)):
            place[k] += np.float32(amplitude_mm) * smooth_field(rng, grid, length_mm=length_mm)
    to_body = np.eye(4)
    to_body[:3, :3] = frame.to_body
    return Canvas(
        hu=np.full(grid.shape, AIR, np.float32),
        label=np.zeros(grid.shape, np.uint8),
        place=place,
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


def _stored(image: Volume, label: NDArray[np.uint8], frame: Frame, spacing_mm: float, phase: str) -> SimulatedCt:
    """Cut to the field of view, and put on the axes of the file."""
    grid = frame.grid(spacing_mm)
    whole = np.clip(np.rint(image), -1024, 3071).astype(np.int16)
    if frame.padding is not None:
        x, y, _ = grid.axes()
        middle = [c + f / 2 for c, f in zip(grid.corner_mm, grid.fov_mm, strict=True)]
        outside = np.hypot(x - middle[0], y - middle[1])[:, :, 0] > max(grid.fov_mm[:2]) / 2
        whole[outside], label[outside] = frame.padding, 0
    affine = grid.affine
    turned = np.eye(4)
    turned[:3, :3], turned[:3, 3] = frame.oblique, frame.origin_mm
    affine = turned @ affine
    for axis in np.flatnonzero(frame.flips):
        whole, label = np.flip(whole, int(axis)), np.flip(label, int(axis))
        affine[:3, 3] += affine[:3, axis] * (grid.shape[axis] - 1)
        affine[:3, axis] *= -1
    return SimulatedCt(np.ascontiguousarray(whole), np.ascontiguousarray(label), affine, phase)
