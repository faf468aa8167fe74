"""One path leads to all modalities of its case, in their order, or to an error that names what is missing."""

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from iunet_med.datasets import dataset_layout
from iunet_med.datasets.siblings import find_study

OURS = dataset_layout("brats23")
NAMES = ["t1", "t1c", "t2", "flair"]


def write(path: Path, *shape: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.ones(shape or (3, 4, 5), np.float32), np.eye(4)), path)
    return path


@pytest.mark.parametrize("given", ["t1n", "t1c", "t2w", "t2f"])
def test_any_file_of_a_brats_case_stands_for_it(tmp_path: Path, brats_case: Callable[..., Path], given: str) -> None:
    for name in ("A-1", "A-2"):
        brats_case(tmp_path, name)
    study = find_study(str(tmp_path / "A-2" / f"A-2-{given}.nii.gz"), OURS)
    assert [path.name for path in study.paths] == [f"A-2-{end}.nii.gz" for end in ("t1n", "t1c", "t2w", "t2f")]
    assert (list(study.modalities), study.regions, study.order) == (NAMES, None, "named")


def test_cases_beside_each_other_are_told_apart_and_other_years_have_their_values(tmp_path: Path) -> None:
    for case in ("P1", "P2"):
        for end in ("t1", "t1ce", "t2", "flair"):
            write(tmp_path / "flat" / f"{case}_{end}.nii.gz")
            write(tmp_path / case / f"{case}_{end}.nii.gz")
    flat = find_study(tmp_path / "flat" / "P2_t2.nii.gz", OURS)
    assert [path.name for path in flat.paths] == [f"P2_{end}.nii.gz" for end in ("t1", "t1ce", "t2", "flair")]
    folder = find_study(tmp_path / "P1" / "P1_t1ce.nii.gz", OURS)
    assert folder.regions == dataset_layout("brats18").regions


def test_label_maps_below_the_folder_are_no_siblings(tmp_path: Path) -> None:
    for end in ("t1", "t1c", "t2", "flair"):
        write(tmp_path / f"P1_{end}.nii.gz")
        write(tmp_path / "labels" / "final" / f"P1_{end}.nii.gz")
    study = find_study(tmp_path / "P1_flair.nii.gz", OURS)
    assert study.paths == [tmp_path / f"P1_{end}.nii.gz" for end in ("t1", "t1c", "t2", "flair")]


@pytest.mark.parametrize("place", ["imagesTr", "."])
def test_the_decathlon_names_its_channels(tmp_path: Path, place: str) -> None:
    path = write(tmp_path / place / "BRATS_001.nii.gz", 3, 4, 5, 4)
    names = {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"}
    (tmp_path / "dataset.json").write_text(json.dumps({"modality": names}))
    study = find_study(path, OURS)
    assert list(study.modalities) == ["flair", "t1", "t1c", "t2"]
    assert study.regions == dataset_layout("msd").regions
    (tmp_path / "dataset.json").write_text(json.dumps({"modality": {**names, "0": "PD"}}))
    with pytest.raises(ValueError, match="modality lists PD"):
        find_study(path, OURS)


def test_what_nobody_names_is_assumed_in_order(tmp_path: Path) -> None:
    study = find_study(write(tmp_path / "x.nii.gz", 3, 4, 5, 4), OURS)
    assert (list(study.modalities), study.order) == (NAMES, "assumed")
    several = find_study([tmp_path / f"{name}.nii.gz" for name in "abcd"], OURS)
    assert (list(several.modalities), several.order) == (NAMES, "assumed")
    named = find_study([tmp_path / f"x_{name}.nii.gz" for name in ("flair", "t2", "t1", "T1 post")], OURS)
    assert (list(named.modalities), named.order) == (["flair", "t2", "t1", "t1c"], "named")


def test_missing_siblings_and_other_channels_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "P1_t1c.nii.gz")
    write(tmp_path / "P1_t2.nii.gz")
    with pytest.raises(ValueError, match=r"P1_t1c.nii.gz holds one modality, .*no file for t1, flair"):
        find_study(path, OURS)
    with pytest.raises(ValueError, match="expected 4 channels, t1, t1c, t2, flair, got 3"):
        find_study(write(tmp_path / "x.nii.gz", 3, 4, 5, 3), OURS)
