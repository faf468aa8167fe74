"""Real heads without a tumour to paint tumours into: their tissues told by T1, and their own images."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from monai.transforms import LoadImage, Orientation
from numpy.typing import NDArray
from scipy import ndimage

from iunet_med.datasets import find_layout, list_cases
from iunet_med.datasets.reader import ModalityReader
from iunet_med.datasets.simulation.anatomy import Template
from iunet_med.datasets.simulation.domain.anatomies import shift_to_template
from iunet_med.datasets.simulation.fields import Volume

MODALITIES = ("t1", "t1c", "t2", "flair")


@dataclass(frozen=True)
class Scan:
    """One head: its tissues as a template to deform, and its images, 0 outside the brain, white matter at 1."""

    template: Template
    images: Mapping[str, Volume]


Files = tuple[str, ...]
"""One head's files in the order of `MODALITIES`."""


def list_scans(folder: Path) -> list[Files]:
    """The heads of a folder, a folder each or named alike, with t1, t1c, t2 and flair on one grid, skull-stripped.

    Raises:
        DatasetError: names every head that cannot be used and why.
    """
    layout = find_layout("auto", dataset_dir=str(folder))
    cases = list_cases(str(folder), layout, labelled=False, zero_background=True)
    return [tuple(case["image"][case["modalities"].index(name)] for name in MODALITIES) for case in cases]


@lru_cache(maxsize=2)
def load_scan(files: Files) -> Scan:
    """A head's images in RAS, its centre moved to that of the MNI152 template.

    Raises:
        ValueError: the first image shows fewer than three kinds of tissue.
    """
    image = LoadImage(reader=ModalityReader(), image_only=True, ensure_channel_first=True)(list(files))
    image = Orientation("RAS", labels=None)(image)
    spacing = np.linalg.norm(np.asarray(image.affine)[:3, :3], axis=0)
    volumes = np.asarray(image, dtype=np.float32)
    brain = np.asarray((volumes > 0).all(0))
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = shift_to_template(brain, affine)
    white, grey = _fractions(ndimage.gaussian_filter(volumes[0], 0.5), brain)
    sure = white > 0.9
    images = {name: volume / np.median(volume[sure]) for name, volume in zip(MODALITIES, volumes, strict=True)}
    soft = np.asarray(ndimage.gaussian_filter(brain.astype(np.float32), 0.7))
    fluid = np.clip(1 - white - grey, 0, 1)
    template = Template(wm=white, gm=grey, csf=fluid, detail=np.zeros_like(white), brain=soft, affine=affine)
    return Scan(template, images)


def _fractions(t1: Volume, brain: NDArray[np.bool_]) -> tuple[Volume, Volume]:
    """White and grey matter by brightness alone, each voxel a mixture of the two classes nearest to it."""
    inside = t1[brain]
    means = np.percentile(inside, [5, 40, 80])
    for _ in range(30):
        nearest = np.abs(inside[:, None] - means).argmin(1)
        if any(not (nearest == k).any() for k in range(3)):
            raise ValueError("A head's T1 image does not show fluid, grey and white matter; leave the head out.")
        means = np.array([inside[nearest == k].mean() for k in range(3)])
    fluid, grey, white = means
    whiteness = np.clip((t1 - grey) / (white - grey), 0, 1)
    greyness = np.clip((t1 - fluid) / (grey - fluid), 0, 1) - whiteness
    return (whiteness * brain).astype(np.float32), (greyness * brain).astype(np.float32)
