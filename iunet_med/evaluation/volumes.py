"""Reads the label maps and images of a case in RAS+ order, and refuses predictions on another grid than the truth's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.affines import voxel_sizes
from nibabel.orientations import apply_orientation, io_orientation
from numpy.typing import NDArray

from iunet_med.checks.file import read_finite
from iunet_med.checks.finding import refuse
from iunet_med.datasets.layouts import Case
from iunet_med.datasets.organ_labels import read_organs
from iunet_med.datasets.organ_layout import ORGAN_MASKS, ORGAN_VALUES
from iunet_med.volumes import Volume, read_grid, read_volume, whole_numbers


def read_label_maps(truth: Path | Case, predictions: Mapping[str, Path], *, case: str) -> dict[str, NDArray[Any]]:
    """Read the true label map under the name "truth" and the predictions under theirs, each (X, Y, Z) in RAS+ order.

    The truth of a case of organs is that of its classes, whatever the values in its own files are.

    Raises:
        ValueError: a file is no image, or is refused by its checks, or a prediction lies on another grid than the
            truth.
    """
    maps = {"truth": _truth(truth), **{name: _checked(path) for name, path in predictions.items()}}
    shown = truth if isinstance(truth, Path) else label_file(truth)
    for name, path in predictions.items():
        if difference := maps[name].grid.differs_from(maps["truth"].grid):
            raise ValueError(
                f"{case}: the prediction {path} lies on another grid than the truth {shown}, {difference}; one grid is "
                "expected; predict on the truth's grid, or resample the prediction with nearest neighbours."
            )
    return {name: whole_numbers(in_ras(volume)) for name, volume in maps.items()}


def read_images(case: Case) -> dict[str, NDArray[Any]]:
    """Read the modalities of a case by name, (X, Y, Z) in RAS+ order, from one file each or from one 4D file."""
    image = case["image"]
    paths = [image] if isinstance(image, str) else image
    arrays = [in_ras(read_volume(path)) for path in paths]
    channels = list(np.moveaxis(arrays[0], -1, 0)) if arrays[0].ndim == 4 else arrays
    return dict(zip(case["modalities"], channels, strict=True))


def spacing_in_ras(path: str | Path) -> tuple[float, float, float]:
    """Voxel size in mm along the axes of the volume in RAS+ order."""
    affine = read_grid(path).affine
    x, y, z = voxel_sizes(affine)[io_orientation(affine)[:, 0].argsort()]
    return float(x), float(y), float(z)


def in_ras(volume: Volume) -> NDArray[Any]:
    """Turn and mirror a volume's axes to the nearest R, A, S order."""
    return np.asarray(apply_orientation(volume.array, io_orientation(volume.affine)))


def label_file(case: Case) -> Path:
    """The file that a case's label is in, or the first one of its masks."""
    return Path(case["label"] if isinstance(case["label"], str) else case["label"][0])


def _truth(truth: Path | Case) -> Volume:
    if isinstance(truth, Path):
        return _checked(truth)
    if ORGAN_VALUES in truth or ORGAN_MASKS in truth:
        return read_organs(truth)[0]
    return _checked(label_file(truth))


def _checked(path: Path) -> Volume:
    volume, findings = read_finite(path)
    refuse(findings, name=str(path))
    return volume
