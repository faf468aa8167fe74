"""A data set is checked as a whole, all that is wrong is told at once."""

import re
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from iunet_med.datasets import DatasetError, FolderLayout, dataset_layout, list_cases
from iunet_med.datasets.cases import find_cases
from iunet_med.datasets.datalist import write_datalist

LAYOUT = dataset_layout("brats23")


def test_every_bad_case_is_named_in_one_error(tmp_path: Path, brats_case: Callable[..., Path]) -> None:
    brats_case(tmp_path, "good")
    (brats_case(tmp_path, "missing") / "missing-t1c.nii.gz").unlink()
    (brats_case(tmp_path, "text") / "text-t2w.nii.gz").write_text("not an image")
    shifted, grid = brats_case(tmp_path, "shifted"), np.diag([-1.0, 1.0, 1.0, 1.0])
    nib.save(nib.Nifti1Image(np.ones((22, 24, 20), np.uint8), grid + 0.01), shifted / "shifted-seg.nii.gz")
    cropped = brats_case(tmp_path, "cropped")
    nib.save(
        nib.Nifti1Image(np.indices((22, 24, 19), np.float32)[0], grid),
        cropped / "cropped-t2f.nii.gz",
    )
    many = brats_case(tmp_path, "many")
    nib.save(nib.Nifti1Image(np.zeros((22, 24, 20, 2), np.float32), grid), many / "many-t1n.nii.gz")
    brats_case(tmp_path, "small", shape=(22, 24, 6))
    for name, values in (("empty", (0, 0, 0)), ("other-year", (1, 2, 4))):
        label = nib.load(path := brats_case(tmp_path, name) / f"{name}-seg.nii.gz")
        table = np.array([0, *values], np.uint8)
        nib.save(nib.Nifti1Image(table[np.asarray(label.dataobj)], label.affine), path)
    damaged = brats_case(tmp_path, "damaged") / "damaged-t2w.nii.gz"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 255
    damaged.write_bytes(content)
    with pytest.raises(DatasetError) as caught:
        list_cases(str(tmp_path), LAYOUT, reach=(8, 8, 8))
    told = {problem.case: str(problem) for problem in caught.value.problems}
    assert sorted(told) == sorted(
        ["cropped", "damaged", "empty", "many", "missing", "other-year", "shifted", "small", "text"]
    )
    assert all(line in str(caught.value) for line in told.values())
    assert f"{tmp_path} cannot be used, 9 problems in 9 cases:" in str(caught.value)
    for case, pattern in {
        "cropped": r"cropped-t2f.* and .*cropped-t1n.* different grids, shape \(22, 24, 19\) against \(22, 24, 20\)",
        "damaged": r"damaged-t2w\.nii\.gz is not a readable NIfTI image .*; expected a complete image file; copy",
        "empty": r"the label map is empty; expected voxels of the values \[1, 2, 3\]; take the case away",
        "other-year": r"label value 4 \(.* ml\); expected .* ET = 3, .*; .* these are \(brats18, brats24\)",
        "many": r"many-t1n\.nii\.gz has shape \(22, 24, 20, 2\); expected three axes; split",
        "missing": r"no file for t1c among .*; expected files that match \*-t1c\.nii\*; add them",
        "shifted": r"shifted-seg.* different grids, affine \[\[-0\.99.* against \[\[-1\.0.*; register",
        "small": r"\(22, 24, 6\) voxels \(R, A, S\) at .* \(1\.0, 1\.0, 1\.0\) mm; expected .* reach, \(8, 8, 8\)",
        "text": r"text-t2w\.nii\.gz is not a readable NIfTI image .*; expected a complete image file; copy",
    }.items():
        assert re.search(pattern, told[case]), told[case]


@pytest.mark.parametrize(
    ("folder", "told"),
    [("", "got no folder"), ("absent", "got '.*absent'"), (".", "no case was found")],
)
def test_no_data_is_an_error_with_its_cure(tmp_path: Path, folder: str, told: str) -> None:
    with pytest.raises(DatasetError, match=rf"{told}; expected .*; "):
        list_cases(folder and str(tmp_path / folder), LAYOUT)


def test_cases_come_sorted_and_labels_only_where_asked_for(brats_folder: Path) -> None:
    cases = list_cases(str(brats_folder), LAYOUT, labelled=False, reach=(16, 16, 16))
    assert [case["case"] for case in cases] == ["GLI-1-000", "GLI-1-001", "GLI-2-000", "GLI-3-000", "GLI-4-000"]
    assert all("label" not in case for case in cases)


def test_empty_labels_are_refused_unless_they_are_meant(tmp_path: Path, brats_case: Callable[..., Path]) -> None:
    brats_case(tmp_path, "GLI-1-000")
    label = brats_case(tmp_path, "GLI-2-000") / "GLI-2-000-seg.nii.gz"
    image = nib.load(label)
    nib.save(nib.Nifti1Image(np.zeros(image.shape, np.uint8), image.affine), label)
    with pytest.raises(DatasetError, match=r"GLI-2-000: the label map is empty; .* set empty_labels true"):
        list_cases(str(tmp_path), LAYOUT)
    assert len(list_cases(str(tmp_path), LAYOUT, empty_labels=True)) == 2


def test_another_layout_is_told_once_not_per_case(brats_folder: Path) -> None:
    with pytest.raises(
        DatasetError, match=r"(?s)1 problem in 1 case:.*those of brats23, .* brats18; .*; choose brats23"
    ) as e:
        find_cases(brats_folder, dataset_layout("brats18"), labelled=True)
    assert len(e.value.problems) == 1


def test_a_layout_of_ones_own_tells_each_case_what_it_lacks(brats_folder: Path) -> None:
    own = FolderLayout(modalities={"t1": "T1.nii"}, regions={"lesion": [1]}, label="mask.nii")
    cases, problems = find_cases(brats_folder, own, labelled=False)
    assert (cases, len(problems)) == ([], 5)


def test_a_datalist_is_taken_instead_of_the_folder_and_its_headers_are_checked(
    tmp_path: Path, brats_case: Callable[..., Path]
) -> None:
    for name in "abc":
        brats_case(tmp_path, name)
    chosen = list_cases(str(tmp_path), LAYOUT)[:2]
    path = tmp_path / "list.json"
    write_datalist(path, chosen, root=tmp_path, layout=LAYOUT, layout_name="brats23", details={})
    assert list_cases("", LAYOUT, datalist=str(path)) == chosen
    (tmp_path / "b" / "b-t2w.nii.gz").unlink()
    with pytest.raises(DatasetError, match=r"list\.json cannot be used.*\n  b: .*b-t2w\.nii\.gz"):
        list_cases("", LAYOUT, datalist=str(path))
