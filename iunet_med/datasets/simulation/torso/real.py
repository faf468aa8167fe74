"""Real CTs with organ labels as further people: each time bent anew, organs grown or shrunk, and recoloured."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from iunet_med.datasets.cases import list_cases
from iunet_med.datasets.layouts import Case
from iunet_med.datasets.organ_labels import read_organs
from iunet_med.datasets.organ_layout import OrganLayout
from iunet_med.datasets.simulation.anatomy import push, without_folds
from iunet_med.datasets.simulation.fields import Grid, Volume, wavy
from iunet_med.datasets.simulation.torso.build import SPREAD, random_build
from iunet_med.datasets.simulation.torso.frame import Frame, draw_frame
from iunet_med.datasets.simulation.torso.names import ORGAN_VALUES
from iunet_med.datasets.simulation.torso.scan import with_noise
from iunet_med.datasets.simulation.torso.stored import SimulatedCt, stored
from iunet_med.datasets.simulation.torso.tissues import AIR, Tissues, draw_tissues
from iunet_med.volumes import read_volume

COLOURS = {
    "liver": "liver",
    "spleen": "spleen",
    "pancreas": "pancreas",
    "adrenal_gland_right": "adrenal",
    "adrenal_gland_left": "adrenal",
    "gallbladder": "bile",
    "urinary_bladder": "urine",
    "heart": "myocardium",
    "aorta": "aorta",
    "inferior_vena_cava": "cava",
    "portal_vein_and_splenic_vein": "portal",
    "autochthon": "muscle",
    "iliopsoas": "muscle",
}
"""The tissue that each organ is recoloured as; the kidneys have two, stomach and bowel keep what they hold."""
WAVES = ((9.0, 110.0), (4.0, 50.0), (1.3, 22.0))
"""Standard deviation and length in mm of the fields that bend a scan."""
FILLED = ("stomach", "duodenum", "small_bowel", "colon")
"""What may hold water or a contrast medium that was drunk."""
CORTEX_MM = 8.0
"""Depth of the kidney's cortex."""
BODY_HU = -300.0
"""Above it is the patient, below it are air and lung."""
MUSCLE_HU, FAT_HU, BONE_HU = (0.0, 110.0), (-160.0, -50.0), 160.0
"""What is taken for muscle and for fat where no organ has a name, and where bone begins."""


@dataclass(frozen=True)
class LabelledScan:
    """One CT with its organs.

    Args:
        image: HU, (X, Y, Z).
        label: values of `ORGAN_VALUES`, (X, Y, Z).
        affine: voxel index to mm from the body's middle, (4, 4); it may be oblique.
        extent_mm: of the body, whose middle is at 0, (3,).
        native: median HU of each organ that there is.
    """

    image: Volume
    label: NDArray[np.uint8]
    affine: NDArray[np.float64]
    extent_mm: NDArray[np.float64]
    native: Mapping[str, float]


def list_scans(folder: Path) -> list[Case]:
    """The scans of a data set, in any layout that training reads, with labels of all organs of `ORGAN_VALUES`.

    Raises:
        DatasetError: names every scan that cannot be used and why.
    """
    return list_cases(str(folder), OrganLayout(organs=tuple(ORGAN_VALUES)), labelled=True)


def load_scan(case: Case) -> LabelledScan:
    """Read a scan of `list_scans`, and centre it on the body.

    Raises:
        ValueError: a file cannot be read, or the image shows no body.
    """
    volume, labels = read_volume(case["image"]), read_organs(case)[0]
    image = np.clip(volume.array, AIR, 3071).astype(np.float32)
    names = np.array([0, *ORGAN_VALUES.values()], np.uint8)
    label = names[labels.array]
    body = np.argwhere(ndimage.binary_opening(image > BODY_HU, iterations=2))
    if not len(body):
        raise ValueError(f"{case['image']}: no voxel is above {BODY_HU:g} HU, so it shows no body; leave it out.")
    places = nib.affines.apply_affine(volume.affine, body[:: max(1, len(body) // 10**6)])
    low, high = places.min(0), places.max(0)
    affine = volume.affine.copy()
    affine[:3, 3] -= (low + high) / 2
    native = {}
    for organ, value in ORGAN_VALUES.items():
        inside = image[ndimage.binary_erosion(label == value)]
        if len(inside) > 20:
            native[organ] = float(np.median(inside))
    return LabelledScan(image, label, affine, high - low, native)


def vary(scan: LabelledScan, rng: np.random.Generator, *, spacing_mm: float) -> SimulatedCt:
    """Scan the same person as if it were another one.

    The body is scaled, turned and bent, single organs grow or shrink, a part of it is cut out, and each organ takes
    the brightness of a phase of contrast that is drawn; texture, bowel and fat stay those of the scan.

    Args:
        scan: the person.
        rng: the only source of chance.
        spacing_mm: edge of the cubic voxels.

    Returns:
        image (X, Y, Z) in HU and label, on a new field of view that may lie obliquely.
    """
    build = random_build(rng)
    frame = _frame(scan, draw_frame(rng, build), rng)
    grid = frame.grid(spacing_mm)
    moved = wavy(rng, grid, WAVES) + _growth(scan, grid, rng)
    place = frame.places(spacing_mm) + without_folds(np.asarray(moved, np.float32), grid)
    image = _sampled(_blurred(scan.image, scan.affine, spacing_mm), scan.affine, place, order=1)
    label = _sampled(scan.label, scan.affine, place, order=0)
    tissues = draw_tissues(rng, build)
    image = _recoloured(image, label, scan.native, tissues, rng, spacing_mm=spacing_mm)
    if rng.random() < 0.5:
        image = with_noise(image, spacing_mm, rng)
    return stored(image, label, frame, spacing_mm, build.phase)


def _frame(scan: LabelledScan, drawn: Frame, rng: np.random.Generator) -> Frame:
    """The pose and the storage of a drawn frame, around this body, over all or a part of its height."""
    size = np.exp(rng.normal(0, (0.1, 0.1, 0.08)))
    wide, deep, height = scan.extent_mm * size
    part = float(rng.uniform(0.35, 0.7) if rng.random() < 0.3 else rng.uniform(0.75, 1.0))
    part = max(part, min(1.0, 40 / height))
    bottom = (float(rng.uniform(0, 1 - part)) - 0.5) * height
    wide, deep = np.array([wide, deep]) * rng.uniform(0.98, 1.2)
    shift = rng.normal(0, 8, 2)
    return replace(
        drawn,
        size=(float(size[0]), float(size[1]), float(size[2])),
        fov_mm=(float(wide), float(deep), float(part * height)),
        corner_mm=(float(shift[0] - wide / 2), float(shift[1] - deep / 2), float(bottom)),
    )


def _growth(scan: LabelledScan, grid: Grid, rng: np.random.Generator) -> Volume:
    """Displacement by organs that are larger or smaller than they were."""
    total = np.zeros((3, *grid.shape), np.float32)
    for organ in SPREAD:
        inside = np.argwhere(scan.label == ORGAN_VALUES[organ])
        if len(inside) < 50 or rng.random() < 0.3:
            continue
        centre = nib.affines.apply_affine(scan.affine, inside.mean(0))
        volume = len(inside) * abs(np.linalg.det(scan.affine[:3, :3]))
        radius = float((3 * volume / (4 * np.pi)) ** (1 / 3))
        total += push(grid, centre, radius_mm=1.2 * radius, amount_mm=radius * float(rng.uniform(-0.6, 0.6)))
    return total


def _sampled(volume: NDArray[Any], affine: NDArray[np.float64], place: Volume, *, order: int) -> NDArray[Any]:
    to_index = np.linalg.inv(affine)
    index = np.einsum("ij,jxyz->ixyz", to_index[:3, :3].astype(np.float32), place)
    index += to_index[:3, 3].astype(np.float32)[:, None, None, None]
    # beyond the first and the last slice these go on: there the body does not end
    up = int(np.abs(affine[2, :3]).argmax())
    index[up] = np.clip(index[up], 0, volume.shape[up] - 1)
    return np.asarray(ndimage.map_coordinates(volume, index, order=order, cval=AIR * bool(order), prefilter=False))


def _blurred(image: Volume, affine: NDArray[np.float64], spacing_mm: float) -> Volume:
    """Without what the coarser voxels cannot show."""
    edges = np.linalg.norm(affine[:3, :3], axis=0)
    return np.asarray(ndimage.gaussian_filter(image, 0.4 * np.maximum(spacing_mm / edges - 1, 0)))


def _recoloured(
    image: Volume,
    label: NDArray[np.uint8],
    native: Mapping[str, float],
    tissues: Tissues,
    rng: np.random.Generator,
    *,
    spacing_mm: float,
) -> Volume:
    """Move each tissue's brightness to that drawn, with soft borders."""
    offset = np.zeros_like(image)
    unnamed = label == 0
    muscle = unnamed & (image > MUSCLE_HU[0]) & (image < MUSCLE_HU[1])
    if muscle.any():
        offset[muscle] = tissues["muscle"] - np.median(image[muscle])
    offset[(image > FAT_HU[0]) & (image < FAT_HU[1])] = rng.normal(0, 7)
    for organ, was in native.items():
        inside = label == ORGAN_VALUES[organ]
        if organ in COLOURS:
            offset[inside] = tissues[COLOURS[organ]] - was
        elif organ.startswith("kidney"):
            deep = ndimage.distance_transform_edt(inside, sampling=spacing_mm) > CORTEX_MM
            offset[inside] = np.where(deep, tissues["medulla"], tissues["cortex"])[inside] - was
        elif organ in FILLED:
            filled = inside & (image > FAT_HU[1])
            offset[filled] = float(rng.choice([rng.normal(0, 20), rng.uniform(80, 300)], p=[0.8, 0.2]))
    offset = ndimage.gaussian_filter(offset, 0.6)
    bone = np.maximum(image - BONE_HU, 0) * np.float32(rng.uniform(-0.3, 0.25))
    solid = image > AIR + 300  # gas and lung stay what they are
    return np.asarray(image + np.where(solid, offset, 0) + bone, np.float32)
