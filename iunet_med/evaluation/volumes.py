"""Reads the label maps and images of a case in RAS+ order, and refuses predictions on another grid than the truth's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from iunet_med.data.layouts import Case
from iunet_med.volumes.grid import read_grid


def read_label_maps(truth: Path, predictions: Mapping[str, Path], *, case: str) -> dict[str, NDArray[Any]]:
    """Read the true label map under the name "truth" and the predictions under theirs, each (X, Y, Z) in RAS+ order.

    Raises:
        ValueError: a file is no NIfTI image, or a prediction lies on another grid than the truth.
    """
    paths = {"truth": truth, **predictions}
    grids = {name: read_grid(path) for name, path in paths.items()}
    for name, path in predictions.items():
        if difference := grids[name].differs_from(grids["truth"]):
            raise ValueError(
                f"{case}: the prediction {path} lies on another grid than the truth {truth}, {difference}; one grid is "
                "needed: predict on the truth's grid, or resample the prediction with nearest neighbours."
            )
    return {name: _read(path) for name, path in paths.items()}


def read_images(case: Case) -> dict[str, NDArray[Any]]:
    """Read the modalities of a case by name, (X, Y, Z) in RAS+ order, from one file each or from one 4D file."""
    image = case["image"]
    channels = np.moveaxis(_read(image), -1, 0) if isinstance(image, str) else [_read(path) for path in image]
    return dict(zip(case["modalities"], channels, strict=True))


def spacing_in_ras(path: str | Path) -> tuple[float, float, float]:
    """Voxel size in mm along the axes of the volume in RAS+ order."""
    x, y, z = nib.as_closest_canonical(nib.load(path)).header.get_zooms()[:3]
    return float(x), float(y), float(z)


def _read(path: str | Path) -> NDArray[Any]:
    return np.asarray(nib.as_closest_canonical(nib.load(path)).dataobj)
