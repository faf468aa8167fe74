"""A data set is checked as a whole, and split by patient."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from iunet_med.data import DatasetError, MsdLayout, dataset_layout, list_cases, split_cases
from iunet_med.data.cases import check_case

LAYOUT = dataset_layout("brats23")


def test_every_bad_case_is_named_in_one_error(tmp_path: Path, brats_case: Callable[..., Path]) -> None:
    brats_case(tmp_path, "good")
    (brats_case(tmp_path, "missing") / "missing-t1c.nii.gz").unlink()
    (brats_case(tmp_path, "text") / "text-t2w.nii.gz").write_text("not an image")
    shifted, grid = brats_case(tmp_path, "shifted"), np.diag([-1.0, 1.0, 1.0, 1.0])
    nib.save(nib.Nifti1Image(np.zeros((22, 24, 20), np.uint8), grid + 0.01), shifted / "shifted-seg.nii.gz")
    cropped = brats_case(tmp_path, "cropped")
    nib.save(nib.Nifti1Image(np.zeros((22, 24, 19), np.float32), grid), cropped / "cropped-t2f.nii.gz")
    many = brats_case(tmp_path, "many")
    nib.save(nib.Nifti1Image(np.zeros((22, 24, 20, 2), np.float32), grid), many / "many-t1n.nii.gz")
    brats_case(tmp_path, "small", shape=(22, 24, 6))
    with pytest.raises(DatasetError) as caught:
        list_cases(str(tmp_path), LAYOUT, reach=(8, 8, 8))
    told = {problem.case: str(problem) for problem in caught.value.problems}
    assert sorted(told) == ["cropped", "many", "missing", "shifted", "small", "text"]
    assert all(line in str(caught.value) for line in told.values())
    assert f"{tmp_path} cannot be used, 6 problems in 6 cases:" in str(caught.value)
    for case, pattern in {
        "cropped": r"cropped-t2f.* and .*cropped-t1n.* different grids, shape \(22, 24, 19\) against \(22, 24, 20\)",
        "many": r"many-t1n\.nii\.gz has shape \(22, 24, 20, 2\); needed: three axes; cure: split",
        "missing": r"no file for t1c among .*; needed: files that match \*-t1c\.nii\*; cure: add them",
        "shifted": r"shifted-seg.* different grids, affine \[\[-0\.99.* against \[\[-1\.0.*; cure: register",
        "small": r"\(22, 24, 6\) voxels \(R, A, S\) at .* \(1\.0, 1\.0, 1\.0\) mm; needed: .* reach, \(8, 8, 8\)",
        "text": r"text-t2w\.nii\.gz is not a readable NIfTI image .*; needed: a complete NIfTI file; cure: copy",
    }.items():
        assert re.search(pattern, told[case]), told[case]


def test_four_axes_are_needed_where_one_file_holds_all_modalities(tmp_path: Path) -> None:
    layout = MsdLayout(modalities={"t1": ("t1",), "t2": ("t2",)}, regions={"lesion": [1]})
    for channels, count in ((2, 0), (3, 1)):
        path = tmp_path / f"{channels}.nii.gz"
        nib.save(nib.Nifti1Image(np.zeros((4, 4, 4, channels), np.float32), np.eye(4)), path)
        problems = check_case({"case": "x", "image": str(path)}, layout, spacing=(1, 1, 1), reach=(1, 1, 1))
        assert len(problems) == count
    assert "has shape (4, 4, 4, 3); needed: three axes and then 2 channels" in str(problems[0])


@pytest.mark.parametrize(
    ("folder", "told"),
    [("", "no folder came"), ("absent", "'.*absent' came"), (".", "no case was found")],
)
def test_no_data_is_an_error_with_its_cure(tmp_path: Path, folder: str, told: str) -> None:
    with pytest.raises(DatasetError, match=rf"{told}; needed: .*; cure: "):
        list_cases(folder and str(tmp_path / folder), LAYOUT)


def test_cases_come_sorted_and_labels_only_where_asked_for(brats_folder: Path) -> None:
    cases = list_cases(str(brats_folder), LAYOUT, labelled=False, reach=(16, 16, 16))
    assert [case["case"] for case in cases] == ["GLI-1-000", "GLI-1-001", "GLI-2-000", "GLI-3-000", "GLI-4-000"]
    assert all("label" not in case for case in cases)


def named(*patients: str) -> list[dict[str, Any]]:
    return [{"case": f"{patient}-{scan}", "patient": patient} for patient in patients for scan in range(2)]


def test_split_keeps_patients_together_and_depends_on_names_and_seed_alone() -> None:
    cases = named(*"abcdefghij")
    training, validation = split_cases(cases, validation=0.3, seed=1)
    held_out = {case["patient"] for case in validation}
    assert len(held_out) == 3
    assert held_out.isdisjoint(case["patient"] for case in training)
    assert len(training) + len(validation) == len(cases)
    _, reversed_order = split_cases(cases[::-1], validation=0.3, seed=1)
    assert {case["case"] for case in reversed_order} == {case["case"] for case in validation}
    assert any({c["patient"] for c in split_cases(cases, validation=0.3, seed=s)[1]} != held_out for s in range(2, 5))


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_split_leaves_a_patient_on_each_side(share: float) -> None:
    training, validation = split_cases(named("a", "b"), validation=share)
    assert len(training) == len(validation) == 2


def test_one_patient_can_be_validated_on_itself_alone() -> None:
    with pytest.raises(
        ValueError, match=r"1 patient came \(a\); needed: .*; add patients, or pass --validation_fraction 0"
    ):
        split_cases(named("a"))
    assert split_cases(named("a"), validation=0) == (named("a"), named("a"))
