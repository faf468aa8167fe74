"""Items of other programs are checked like our own cases, all at once, before anything trains on them."""

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from iunet_med.datasets import CheckItems, DatasetError, checked_dataset, dataset_layout

CHECK = CheckItems(dataset_layout("brats23"))


def item(folder: Path) -> dict[str, str]:
    return {"image": str(folder / f"{folder.name}-t1c.nii.gz"), "label": str(folder / f"{folder.name}-seg.nii.gz")}


def test_one_file_becomes_a_whole_case(tmp_path: Path, brats_case: Callable[..., Path]) -> None:
    folders = [brats_case(tmp_path, name) for name in ("A-1", "A-2")]
    ours = {"case": "ours", "patient": "ours", "modalities": ["t1"], "image": "absent.nii.gz"}
    cases = checked_dataset([*map(item, folders), ours], lambda item: item, check=CHECK)
    assert [len(case["image"]) for case in list(cases)[:2]] == [4, 4]
    assert cases[2] == ours, "cases of our own are checked where they are listed"
    assert checked_dataset([], lambda item: item, check=CHECK).data == []


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path, brats_case: Callable[..., Path]) -> None:
    shifted, foreign, lacking = (brats_case(tmp_path, name) for name in ("A-1", "A-2", "A-3"))
    label = nib.load(path := shifted / "A-1-seg.nii.gz")
    nib.save(nib.Nifti1Image(np.asarray(label.dataobj)[:-1], label.affine), path)
    label = nib.load(path := foreign / "A-2-seg.nii.gz")
    nib.save(nib.Nifti1Image(np.where(label.get_fdata() == 3, 9, 0).astype(np.uint8), label.affine), path)
    (lacking / "A-3-t2f.nii.gz").unlink()
    with pytest.raises(DatasetError) as caught:
        CHECK([item(folder) for folder in (shifted, foreign, lacking)])
    told = str(caught.value)
    assert "shape (21, 24, 20)" in told or "another grid" in told
    assert "9" in told
    assert "no file for flair" in told
    assert len({problem.case for problem in caught.value.problems}) == 3


def test_the_labels_of_another_year_have_its_values(tmp_path: Path, brats_case: Callable[..., Path]) -> None:
    folder = brats_case(tmp_path, "P1")
    for ours, theirs in (("t1n", "t1"), ("t1c", "t1ce"), ("t2w", "t2"), ("t2f", "flair"), ("seg", "seg")):
        (folder / f"P1-{ours}.nii.gz").rename(folder / f"P1_{theirs}.nii.gz")
    label = nib.load(path := folder / "P1_seg.nii.gz")
    values = np.asarray(label.dataobj)
    nib.save(nib.Nifti1Image(np.where(values == 3, 4, values).astype(np.uint8), label.affine), path)
    (case,) = CHECK([{"image": str(folder / "P1_t1ce.nii.gz"), "label": str(path)}])
    assert json.loads(case["label_regions"]) == {"ET": [4], "TC": [1, 4], "WT": [1, 2, 4]}
