"""The CT bundle's shipped weights on real CT, against another tool's labels: agreement, not truth."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables import markdown
from iunet_med.inference import CaseResult, segment
from iunet_med.volumes import read_volume
from iunet_med.volumes.grid import voxel_ml
from iunet_med.volumes.nearest import labels_on_grid

BUNDLE = "iunet_ct_organs"
REFERENCE = {
    "spleen": (1,),
    "kidney_right": (2,),
    "kidney_left": (3,),
    "gallbladder": (4,),
    "liver": (5,),
    "stomach": (6,),
    "pancreas": (7,),
    "lung_right": (12, 13, 14),
    "lung_left": (10, 11),
    "heart": (51,),
    "aorta": (52,),
    "inferior_vena_cava": (63,),
    "urinary_bladder": (21,),
    "vertebrae": tuple(range(26, 51)),
}
"""Label values of TotalSegmentator, version 2, its task `total`."""
COLUMNS = ("scan", "organ", "Dice", "reference, ml", "found, ml", "reference touches the edge")


def table(data: Path | None, *, quick: bool = False) -> str:
    """Return the agreement in Markdown; `quick` takes the first scan."""
    if data is None:
        return "Open: give a folder by `--ct FOLDER`: NAME.nii.gz or a folder NAME of DICOM, and NAME_labels.nii.gz."
    labels = sorted(data.glob("*_labels.nii.gz"))
    rows = [row for path in (labels[:1] if quick else labels) for row in agreement(path)]
    return (
        f"Dice of {BUNDLE} against labels of TotalSegmentator: "
        "agreement with another tool, not truth. Organs of which the reference has less than 1 ml are left out.\n\n"
        + markdown(COLUMNS, rows)
    )


def agreement(labels: Path) -> Iterator[tuple[object, ...]]:
    """Yield a row per organ of one scan."""
    name = labels.name.removesuffix("_labels.nii.gz")
    scan = labels.with_name(f"{name}.nii.gz")
    scan = scan if scan.exists() else labels.with_name(name)
    with tempfile.TemporaryDirectory() as folder:
        (result,) = segment(scan, output=folder, bundle=BUNDLE, device="cpu")
        if result.status == "failed":
            yield name, result.reason, "-", "-", "-", "-"
            return
        found = read_volume(Path(folder, result.case, f"{result.case}_seg.nii.gz"))
    true = read_volume(labels)
    reference = labels_on_grid(_integers(true.array), true.affine, shape=found.array.shape, to=found.affine)
    each = voxel_ml(found.affine)
    for organ, value in _values(result).items():
        here, there = found.array == value, np.isin(reference, REFERENCE[organ])
        if there.sum() * each < 1:
            continue
        dice = 2 * np.count_nonzero(here & there) / (np.count_nonzero(here) + np.count_nonzero(there))
        touches = any(np.take(there, end, axis=axis).any() for axis in range(3) for end in (0, -1))
        volumes = [f"{np.count_nonzero(mask) * each:.0f}" for mask in (there, here)]
        yield name, organ, f"{dice:.3f}", *volumes, "yes" if touches else "no"


def _values(result: CaseResult) -> dict[str, int]:
    return {measure.name: measure.value for measure in result.measures}


def _integers(array: NDArray[np.generic]) -> NDArray[np.int16]:
    return np.asarray(array).astype(np.int16)
