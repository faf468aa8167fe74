"""Heads to start from: the MNI152 template, and label maps with FreeSurfer's numbers."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from iunet_med.datasets.simulation.anatomy import Template, load_template
from iunet_med.datasets.simulation.fields import Volume

WHITE = (2, 7, 16, 25, 28, 41, 46, 57, 60, 77, 78, 79, 85, *range(250, 256))
GREY = (3, 8, 10, 11, 12, 13, 17, 18, 26, 27, 42, 47, 49, 50, 51, 52, 53, 54, 58, 59)
VENTRICLES = (4, 5, 14, 15, 31, 43, 44, 63, 72)
SULCI = (24, 30, 62)
"""Numbers of FreeSurfer's colour table: tissue, fluid inside the brain, fluid and vessels around it."""

DETAIL: Mapping[tuple[int, ...], float] = {(10, 49): 0.1, (13, 52): 0.18, (12, 51): 0.03, (28, 60): -0.08, (16,): -0.06}
"""T1 signal of thalamus, pallidum, putamen, ventral diencephalon and brain stem beyond that of cortex or white matter,
where white matter has about 0.9."""

ENDINGS = (".nii", ".nii.gz", ".mgz")


def label_maps(folder: Path) -> list[Path]:
    """The label maps of a folder in order of their names.

    Raises:
        FileNotFoundError: there is none.
    """
    found = sorted(path for path in folder.glob("*") if path.name.lower().endswith(ENDINGS))
    if not found:
        kinds = ", ".join(ENDINGS)
        raise FileNotFoundError(f"{folder}: expected label maps ({kinds}) with FreeSurfer's numbers, found none.")
    return found


@lru_cache(maxsize=1)
def template_of_labels(path: Path) -> Template:
    """Tissue fractions of one brain's label map, its centre moved to that of the MNI152 template.

    Raises:
        ValueError: the map holds too few of FreeSurfer's numbers to be a brain.
    """
    image = nib.as_closest_canonical(nib.load(path))
    labels = np.asarray(image.dataobj).squeeze()
    tissue = np.isin(labels, WHITE + GREY + VENTRICLES)
    spacing = np.asarray(image.header.get_zooms()[:3], dtype=np.float64)
    volume_ml = float(tissue.sum() * spacing.prod() / 1000)
    if labels.ndim != 3 or not 500 < volume_ml < 3000:
        raise ValueError(
            f"{path}: expected a whole brain in FreeSurfer's numbers (2 and 41 white matter, 3 and 42 cortex, ...), "
            f"found {volume_ml:.0f} ml of them in an image of shape {labels.shape}; leave it out of the folder."
        )
    margin = [round(12 / edge) for edge in spacing]
    spans = [np.flatnonzero(tissue.any(tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    box = tuple(slice(max(0, s[0] - m), s[-1] + 1 + m) for s, m in zip(spans, margin, strict=True))
    labels, tissue = labels[box], tissue[box]
    white, grey, fluid = (_fraction(np.isin(labels, which)) for which in (WHITE, GREY, VENTRICLES + SULCI))
    detail = _fraction(sum(np.float32(value) * np.isin(labels, which) for which, value in DETAIL.items()))
    closed = ndimage.binary_closing(np.pad(tissue, 9), iterations=8)[9:-9, 9:-9, 9:-9]
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = shift_to_template(tissue, affine)
    fluid = np.maximum(fluid, 1 - white - grey)
    brain = _fraction(closed, 1.5)
    return Template(wm=white, gm=grey, csf=fluid, detail=detail, brain=brain, affine=affine)


def mirrored(template: Template) -> Template:
    """The same brain with its sides exchanged."""
    affine = template.affine.copy()
    width = template.wm.shape[0] - 1
    affine[0, 3] = -(affine[0, 3] + affine[0, 0] * width)
    parts = {name: getattr(template, name)[::-1] for name in ("wm", "gm", "csf", "detail", "brain")}
    return Template(**parts, affine=affine)


def shift_to_template(brain: NDArray[np.bool_], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Millimetres from a brain's centre of gravity to that of the MNI152 template; the affine has no rotation."""
    return _centre(load_template().brain > 0.5, load_template().affine) - _centre(brain, affine)


def _fraction(values: NDArray[np.generic], sigma: float = 0.6) -> Volume:
    return np.asarray(ndimage.gaussian_filter(values.astype(np.float32), sigma))


def _centre(mask: NDArray[np.bool_], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centre of gravity in mm; the affine has no rotation."""
    return np.asarray(np.diag(affine)[:3] * ndimage.center_of_mass(mask) + affine[:3, 3])
