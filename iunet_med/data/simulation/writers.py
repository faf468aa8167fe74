"""Simulated cases as files: the folders of BraTS 2023 and of the Medical Segmentation Decathlon's Task01."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from iunet_med.data.files import replacing
from iunet_med.data.simulation.case import SimulatedCase
from iunet_med.data.simulation.tumor import EDEMA, ENHANCING, NECROSIS

BRATS_ENDINGS = {"t1": "t1n", "t1c": "t1c", "t2": "t2w", "flair": "t2f"}
MSD_MODALITIES = {"flair": "FLAIR", "t1": "T1w", "t1c": "t1gd", "t2": "T2w"}
"""In the order of the channels of a Task01 image."""
MSD_LABELS = {EDEMA: 1, NECROSIS: 2, ENHANCING: 3}
MSD_LABEL_NAMES = ("background", "edema", "non-enhancing tumor", "enhancing tumour")
DESCRIPTION = "Simulated gliomas in simulated brain MRI made from the MNI152 template: no patient was imaged"


def write_brats(folder: str | Path, cases: Iterable[SimulatedCase], *, start: int = 0) -> list[Path]:
    """Write cases as BraTS 2023 does, `<case>/<case>-t1n.nii.gz` and so on, and return the cases' folders.

    Cases are taken one by one, so a generator such as `simulate_cases` keeps one at a time in memory, and a progress
    bar can wrap it. The same cases give the same bytes. The label is written last: a case without one is incomplete.

    Args:
        folder: where the cases' folders go; made if need be.
        cases: what to write.
        start: number of the first case; the name of number 7 is `Simulated-00007-000`.
    """
    written = []
    for number, case in enumerate(cases, start):
        name = f"Simulated-{number:05d}-000"
        target = Path(folder) / name
        for modality, ending in BRATS_ENDINGS.items():
            _write_nifti(target / f"{name}-{ending}.nii.gz", case.images[modality], case.affine)
        _write_nifti(target / f"{name}-seg.nii.gz", case.label, case.affine)
        written.append(target)
    return written


def write_msd(folder: str | Path, training: Iterable[SimulatedCase], *, test: Iterable[SimulatedCase] = ()) -> Path:
    """Write cases as Task01_BrainTumour does, one 4D image per case, and return the path of dataset.json.

    Cases are taken one by one, as in `write_brats`; dataset.json is written last. Labels are 1 oedema, 2 necrotic core,
    3 enhancing tumour. Those of the test cases, which the Decathlon keeps to itself, go to `labelsTs`.

    Args:
        folder: the task's folder; made if need be.
        training: cases for `imagesTr` and `labelsTr`.
        test: cases for `imagesTs`.
    """
    folder = Path(folder)
    names: dict[str, list[str]] = {"Tr": [], "Ts": []}
    for part, cases in (("Tr", training), ("Ts", test)):
        for case in cases:
            name = f"SIMULATED_{len(names['Tr']) + len(names['Ts']):03d}"
            image = np.stack([case.images[modality] for modality in MSD_MODALITIES], axis=-1)
            _write_nifti(folder / f"images{part}" / f"{name}.nii.gz", image, case.affine)
            _write_nifti(folder / f"labels{part}" / f"{name}.nii.gz", _msd_label(case.label), case.affine)
            names[part].append(name)
    description = {
        "name": "SIMULATED BRATS",
        "description": DESCRIPTION,
        "reference": "Template: Fonov et al., NeuroImage 54 (2011)",
        "tensorImageSize": "4D",
        "modality": {str(channel): name for channel, name in enumerate(MSD_MODALITIES.values())},
        "labels": {str(value): name for value, name in enumerate(MSD_LABEL_NAMES)},
        "numTraining": len(names["Tr"]),
        "numTest": len(names["Ts"]),
        "training": [{"image": f"./imagesTr/{n}.nii.gz", "label": f"./labelsTr/{n}.nii.gz"} for n in names["Tr"]],
        "test": [f"./imagesTs/{n}.nii.gz" for n in names["Ts"]],
    }
    path = folder / "dataset.json"
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
    return path


def _msd_label(label: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """BraTS 2023 values to those of Task01, (X, Y, Z)."""
    table = np.zeros(4, np.uint8)
    for brats, msd in MSD_LABELS.items():
        table[brats] = msd
    return table[label]


def _write_nifti(path: Path, data: NDArray[np.generic], affine: NDArray[np.float64]) -> None:
    """Write an image in mm, its affine in sform and qform, compressed without a time stamp."""
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm", "sec")
    image.set_sform(affine, code="scanner")
    image.set_qform(affine, code="scanner")
    with replacing(path) as temporary:
        temporary.write_bytes(gzip.compress(image.to_bytes(), compresslevel=4, mtime=0))
