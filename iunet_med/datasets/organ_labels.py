"""Reads a case's organs as one map of classes: from its own label values, or from a mask per organ."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from iunet_med.checks.file import read_finite
from iunet_med.checks.finding import Finding, refuse, warning
from iunet_med.datasets.organ_layout import ORGAN_MASKS, ORGAN_VALUES
from iunet_med.volumes import Volume, whole_numbers


def read_organs(case: Mapping[str, Any]) -> tuple[Volume, list[Finding]]:
    """Read the label of a case -> classes (X, Y, Z), uint8, 0 for all that was not chosen.

    Args:
        case: `label` with `organ_values` or `organ_masks`, as `OrganLayout` finds it; without either, `label` holds the
            classes themselves.

    Raises:
        ValueError: a file cannot be read or is refused by its checks, or masks lie on different grids.
    """
    if ORGAN_MASKS in case:
        return _from_masks(list(case["label"]), json.loads(case[ORGAN_MASKS]))
    volume, findings = _read(case["label"])
    label = whole_numbers(volume.array)
    if ORGAN_VALUES not in case:
        return Volume(label.astype(np.uint8), volume.affine, volume.header), findings
    classes = np.zeros(label.shape, np.uint8)
    for number, values in enumerate(json.loads(case[ORGAN_VALUES]), start=1):
        classes[np.isin(label, values)] = number
    return Volume(classes, volume.affine, volume.header), findings


def _from_masks(paths: list[str], numbers: list[int]) -> tuple[Volume, list[Finding]]:
    first, findings = _read(paths[0])
    classes = np.zeros(first.array.shape, np.uint8)
    shared: dict[tuple[int, int], int] = {}
    for path, number in zip(paths, numbers, strict=True):
        mask, found = (first, []) if path == paths[0] else _read(path)
        findings += found
        if difference := mask.grid.differs_from(first.grid):
            raise ValueError(f"{path} lies on another grid than {paths[0]}, {difference}; resample it to that grid.")
        inside = mask.array > 0.5
        for other in map(int, np.flatnonzero(np.bincount(classes[inside], minlength=1))):
            if other not in (0, number):
                shared[other, number] = int(np.count_nonzero(inside & (classes == other)))
        classes[inside] = number
    if shared:
        (one, other), most = max(shared.items(), key=lambda item: item[1])
        text = (
            f"masks of {len(shared)} pair(s) of organs overlap, most those of classes {one} and {other}, in {most} "
            "voxels; there the organ that comes later in the list holds."
        )
        findings = [*findings, warning("overlap", text)]
    return Volume(classes, first.affine, first.header), findings


def _read(path: str) -> tuple[Volume, list[Finding]]:
    volume, findings = read_finite(path)
    refuse(findings, name=path)
    return volume, findings
