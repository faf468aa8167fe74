"""Simulated cases as files: the folders of each year's BraTS and of the Medical Segmentation Decathlon's Task01."""

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from iunet_med.datasets.simulation.case import SimulatedCase
from iunet_med.datasets.simulation.tumor import EDEMA, ENHANCING, NECROSIS
from iunet_med.files import replacing

MSD_MODALITIES = {"flair": "FLAIR", "t1": "T1w", "t1c": "t1gd", "t2": "T2w"}
"""In the order of the channels of a Task01 image."""
MSD_LABELS = {EDEMA: 1, NECROSIS: 2, ENHANCING: 3}
MSD_LABEL_NAMES = ("background", "edema", "non-enhancing tumor", "enhancing tumour")
DESCRIPTION = "Simulated gliomas in simulated brain MRI made from the MNI152 template: no patient was imaged"


@dataclass(frozen=True)
class BratsYear:
    """How a year's BraTS names folders and files.

    Args:
        case: format of a case's path below the data set, from its number.
        ending: format of a file's ending, from the modality's name there.
        modalities: the name there of each modality.
        enhancing: the label value of enhancing tumour.
        tables: the files of patients' data beside the cases, with their headings.
    """

    case: str
    ending: str = "_{}.nii.gz"
    modalities: Mapping[str, str] = field(
        default_factory=lambda: {"t1": "t1", "t1c": "t1ce", "t2": "t2", "flair": "flair"}
    )
    enhancing: int = 4
    tables: Mapping[str, str] = field(default_factory=dict)


BRATS_YEARS = {
    18: BratsYear("HGG/Brats18_SIM{:03d}_1", tables={"survival_data.csv": "Brats18ID,Age,Survival,ResectionStatus"}),
    19: BratsYear(
        "HGG/BraTS19_SIM{:03d}_1",
        tables={
            "name_mapping.csv": "Grade,BraTS_2017_subject_ID,BraTS_2018_subject_ID,TCGA_TCIA_subject_ID,"
            "BraTS_2019_subject_ID",
            "survival_data.csv": "BraTS19ID,Age,Survival,ResectionStatus",
        },
    ),
    20: BratsYear(
        "BraTS20_Training_{:03d}",
        tables={
            "name_mapping.csv": "Grade,BraTS_2017_subject_ID,BraTS_2018_subject_ID,TCGA_TCIA_subject_ID,"
            "BraTS_2019_subject_ID,BraTS_2020_subject_ID",
            "survival_info.csv": "Brats20ID,Age,Survival_days,Extent_of_Resection",
        },
    ),
    21: BratsYear("BraTS2021_{:05d}"),
    23: BratsYear(
        "Simulated-{:05d}-000",
        ending="-{}.nii.gz",
        modalities={"t1": "t1n", "t1c": "t1c", "t2": "t2w", "flair": "t2f"},
        enhancing=ENHANCING,
    ),
}
MISNAMED = {"BraTS20_Training_355": "W39_1998.09.19_Segm.nii.gz"}
"""The label whose name BraTS 2020 forgot to change; here compressed as the other files are."""


def write_brats(folder: str | Path, cases: Iterable[SimulatedCase], *, start: int = 0, year: int = 23) -> list[Path]:
    """Write cases as a year's BraTS does, a folder per case and a file per modality, and return the cases' folders.

    Cases are taken one by one, so a generator such as `simulate_cases` keeps one at a time in memory, and a progress
    bar can wrap it. The same cases give the same bytes. The label is written last: a case without one is incomplete.

    Args:
        folder: where the cases' folders go; made if need be.
        cases: what to write.
        start: number of the first case; the name of number 7 is `Simulated-00007-000` in 2023.
        year: 18, 19, 20, 21 or 23. The tables of patients' data have their headings and no rows.
    """
    style, written = BRATS_YEARS[year], []
    for number, case in enumerate(cases, start):
        target = Path(folder) / style.case.format(number)
        for modality, name in style.modalities.items():
            write_image(target / (target.name + style.ending.format(name)), case.images[modality], case.affine)
        label = np.where(case.label == ENHANCING, style.enhancing, case.label).astype(np.uint8)
        write_image(target / MISNAMED.get(target.name, target.name + style.ending.format("seg")), label, case.affine)
        written.append(target)
    for name, headings in style.tables.items():
        with replacing(Path(folder) / name) as temporary:
            temporary.write_text(headings + "\n", encoding="utf-8")
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
            write_image(folder / f"images{part}" / f"{name}.nii.gz", image, case.affine)
            write_image(folder / f"labels{part}" / f"{name}.nii.gz", _msd_label(case.label), case.affine)
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


def write_image(path: Path, data: NDArray[np.generic], affine: NDArray[np.float64]) -> None:
    """Write an image in mm, its affine in sform and qform, compressed without a time stamp."""
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm", "sec")
    image.set_sform(affine, code="scanner")
    image.set_qform(affine, code="scanner")
    with replacing(path) as temporary:
        temporary.write_bytes(gzip.compress(image.to_bytes(), compresslevel=4, mtime=0))
