"""Simulated CTs as files: label maps and a dataset.json, as the Decathlon and nnU-Net have it, or a mask per organ."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from iunet_med.datasets.simulation.torso.names import ORGAN_VALUES
from iunet_med.datasets.simulation.torso.stored import SimulatedCt
from iunet_med.datasets.simulation.writers import write_image
from iunet_med.files import replacing

DESCRIPTION = "Simulated CT of simulated torsos: no patient was imaged"


def write_ct_msd(folder: str | Path, cases: Iterable[SimulatedCt], *, start: int = 0) -> Path:
    """Write `imagesTr`, `labelsTr` and a dataset.json as the Decathlon's tasks have it; return the latter's path."""
    folder, names = Path(folder), []
    for number, case in enumerate(cases, start):
        name = f"torso_{number:04d}"
        write_image(folder / "imagesTr" / f"{name}.nii.gz", case.image, case.affine)
        write_image(folder / "labelsTr" / f"{name}.nii.gz", case.label, case.affine)
        names.append(name)
    return _describe(
        folder,
        {
            "name": "SIMULATED CT",
            "description": DESCRIPTION,
            "tensorImageSize": "3D",
            "modality": {"0": "CT"},
            "labels": {"0": "background"} | {str(value): name for name, value in ORGAN_VALUES.items()},
            "numTraining": len(names),
            "numTest": 0,
            "training": [{"image": f"./imagesTr/{n}.nii.gz", "label": f"./labelsTr/{n}.nii.gz"} for n in names],
            "test": [],
        },
    )


def write_ct_nnunet(folder: str | Path, cases: Iterable[SimulatedCt], *, start: int = 0) -> Path:
    """Write a raw data set of nnU-Net v2: `imagesTr/NAME_0000.nii.gz`, `labelsTr/NAME.nii.gz`, dataset.json."""
    folder, count = Path(folder), 0
    for number, case in enumerate(cases, start):
        write_image(folder / "imagesTr" / f"torso_{number:04d}_0000.nii.gz", case.image, case.affine)
        write_image(folder / "labelsTr" / f"torso_{number:04d}.nii.gz", case.label, case.affine)
        count += 1
    labels = {"background": 0, **ORGAN_VALUES}
    channels = {"channel_names": {"0": "CT"}, "labels": labels, "numTraining": count, "file_ending": ".nii.gz"}
    return _describe(folder, channels | {"description": DESCRIPTION})


def write_ct_masks(folder: str | Path, cases: Iterable[SimulatedCt], *, start: int = 0) -> list[Path]:
    """Write folders `s0000` with `ct.nii.gz` and `segmentations/ORGAN.nii.gz`, as TotalSegmentator's data set has them.

    Lungs, vertebrae, ribs, hips and muscles are one mask each, where TotalSegmentator has several."""
    written = []
    for number, case in enumerate(cases, start):
        target = Path(folder) / f"s{number:04d}"
        for name, value in ORGAN_VALUES.items():
            mask = (case.label == value).astype(np.uint8)
            write_image(target / "segmentations" / f"{name}.nii.gz", mask, case.affine)
        write_image(target / "ct.nii.gz", case.image, case.affine)
        written.append(target)
    return written


def _describe(folder: Path, description: dict[str, Any]) -> Path:
    path = folder / "dataset.json"
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
    return path
