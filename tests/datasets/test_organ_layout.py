"""Organs are classes in their order, whatever form and label values a data set has."""

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from iunet_med.datasets import DatasetError, OrganLayout, find_organ_layout, list_cases
from iunet_med.datasets.organ_labels import read_organs
from iunet_med.datasets.organ_names import organ_values, plain_name
from iunet_med.transforms import LoadOrgansd

SHAPE = (22, 24, 20)
AFFINE = np.diag([-3.0, 3.0, 3.0, 1.0])


def write(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array, AFFINE), path)
    return path


def ct(path: Path) -> Path:
    image = np.random.default_rng(0).normal(0, 20, SHAPE).astype(np.float32)
    image[0] = -1000
    return write(path, image)


def boxes(values: dict[int, slice]) -> np.ndarray:
    label = np.zeros(SHAPE, np.uint8)
    for value, rows in values.items():
        label[rows, 5:10, 5:10] = value
    return label


def described(root: Path, **description: object) -> Path:
    (root / "dataset.json").write_text(json.dumps(description))
    return root


def spleen(root: Path) -> Path:
    ct(root / "imagesTr" / "spleen_2.nii.gz")
    write(root / "labelsTr" / "spleen_2.nii.gz", boxes({1: slice(3, 9)}))
    item = {"image": "./imagesTr/spleen_2.nii.gz", "label": "./labelsTr/spleen_2.nii.gz"}
    labels = {"0": "background", "1": "spleen"}
    return described(root, modality={"0": "CT"}, labels=labels, training=[item], test=[])


def liver_with_tumour(root: Path) -> Path:
    ct(root / "imagesTr" / "liver_1_0000.nii.gz")
    write(root / "labelsTr" / "liver_1.nii.gz", boxes({1: slice(3, 6), 2: slice(6, 9)}))
    labels = {"background": 0, "liver": 1, "cancer": 2}
    return described(root, channel_names={"0": "CT"}, labels=labels, file_ending=".nii.gz", numTraining=1)


def amos(root: Path) -> Path:
    ct(root / "imagesTr" / "amos_0001.nii.gz")
    write(root / "labelsTr" / "amos_0001.nii.gz", boxes({6: slice(3, 9), 2: slice(9, 12)}))
    items = [{"image": "./imagesTr/amos_0001.nii.gz", "label": "./labelsTr/amos_0001.nii.gz"}]
    labels = {"0": "background", "2": "right kidney", "6": "liver"}
    return described(root, modality={"0": "CT"}, labels=labels, training=items)


def masks(root: Path) -> Path:
    ct(root / "s0001" / "ct.nii.gz")
    write(root / "s0001" / "segmentations" / "liver.nii.gz", boxes({1: slice(3, 9)}))
    write(root / "s0001" / "segmentations" / "kidney_right.nii.gz", boxes({1: slice(8, 12)}))
    return root


def pairs(root: Path) -> Path:
    ct(root / "images" / "a.nii.gz")
    write(root / "labels" / "a.nii.gz", boxes({1: slice(3, 9)}))
    return root


@pytest.mark.parametrize(
    ("make", "organs", "rows"),
    [
        (spleen, ["spleen"], {1: (3, 9)}),
        (liver_with_tumour, ["liver"], {1: (3, 9)}),
        (liver_with_tumour, ["liver", "cancer"], {1: (3, 6), 2: (6, 9)}),
        (amos, ["kidney_right", "liver"], {1: (9, 12), 2: (3, 9)}),
        (masks, ["liver", "kidney_right"], {1: (3, 8), 2: (8, 12)}),
        (pairs, ["spleen"], {1: (3, 9)}),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_classes_are_the_organs_in_their_order(
    make: Callable[[Path], Path], organs: list[str], rows: dict[int, tuple[int, int]], tmp_path: Path
) -> None:
    (case,) = list_cases(str(make(tmp_path)), find_organ_layout(organs), spacing=(3, 3, 3))
    classes = LoadOrgansd("label")(case)["label"]
    np.testing.assert_array_equal(classes.affine, AFFINE)
    np.testing.assert_array_equal(np.asarray(classes[0]), boxes({k: slice(*v) for k, v in rows.items()}))


def test_masks_that_overlap_are_told(tmp_path: Path) -> None:
    cases, _ = find_organ_layout(["liver", "kidney_right"]).find(masks(tmp_path), labelled=True)
    _, findings = read_organs(cases[0])
    assert [finding.check for finding in findings] == ["overlap"]
    assert "classes 1 and 2, in 25 voxels; there the organ that comes later in the list holds" in findings[0].message


def test_an_organ_that_no_label_has_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(
        DatasetError, match=r"no label is called pancreas; its labels are right kidney, liver; expected"
    ):
        list_cases(str(amos(tmp_path)), find_organ_layout(["liver", "pancreas"]))


def test_a_data_set_of_another_modality_is_refused(tmp_path: Path) -> None:
    root = described(tmp_path, modality={"0": "MRI"}, labels={"1": "Anterior"}, training=[])
    with pytest.raises(DatasetError, match=r"describes the channels MRI; expected one channel, called ct; give a data"):
        list_cases(str(root), find_organ_layout(["anterior"]))
    assert OrganLayout(organs=("anterior",), channel="t1").find(root, labelled=True) == ([], [])


def test_images_alone_are_cases_and_labels_are_not(tmp_path: Path) -> None:
    cases, problems = find_organ_layout(["spleen"]).find(pairs(tmp_path), labelled=False)
    assert ([case["case"] for case in cases], problems) == (["a"], [])
    (tmp_path / "labels" / "a.nii.gz").unlink()
    cases, problems = find_organ_layout(["spleen"]).find(tmp_path, labelled=True)
    assert cases == []
    assert "a: no label in" in str(problems[0])


def test_impossible_layouts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"organs=\['liver', 'liver'\]: expected one name or more, each once"):
        find_organ_layout(["liver", "liver"])
    with pytest.raises(ValueError, match="channel='pet': expected one of ct, t1"):
        find_organ_layout(["liver"], channel="pet")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Left Kidney", "kidney_left"),
        ("LKidney", "kidney_left"),
        ("arota", "aorta"),
        ("Postcava", "inferior_vena_cava"),
    ],
)
def test_spellings_of_public_data_sets_are_known(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_an_organ_is_the_union_of_its_parts() -> None:
    labels = {"lung_upper_lobe_left": (10,), "lung_lower_lobe_left": (11,), "liver": (5,)}
    assert organ_values(labels, ["lung_left", "liver"]) == {"lung_left": (10, 11), "liver": (5,)}
