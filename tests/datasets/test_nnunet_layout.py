"""Raw data sets of nnU-Net become cases with the channels and regions that their dataset.json names."""

import json
from pathlib import Path
from typing import Any

import pytest

from iunet_med.datasets import DatasetError, NnunetLayout, dataset_layout, find_layout
from iunet_med.datasets.cases import find_cases
from iunet_med.datasets.datalist import read_datalist, write_datalist
from iunet_med.datasets.public import layout_name

CHANNELS = {"0": "T1", "1": "T1ce", "2": "T2", "3": "FLAIR"}
REGIONS = {"background": 0, "whole tumor": [1, 2, 3], "tumor core": [2, 3], "enhancing tumor": 3}


def dataset(root: Path, *cases: str, folder: str = "imagesTr", labels: object = REGIONS, **more: Any) -> Path:
    description = {"channel_names": CHANNELS, "labels": labels, "file_ending": ".nii.gz", **more}
    (root / "labelsTr").mkdir(parents=True, exist_ok=True)
    (root / "dataset.json").write_text(json.dumps(description))
    (root / folder).mkdir(exist_ok=True)
    for case in cases:
        for number in range(len(description["channel_names"])):
            (root / folder / f"{case}_{number:04d}{description['file_ending']}").touch()
        if folder == "imagesTr":
            (root / "labelsTr" / f"{case}{description['file_ending']}").touch()
    return root


def test_cases_for_training_and_for_segmenting(tmp_path: Path) -> None:
    dataset(tmp_path, "a", "b")
    layout = find_layout(dataset_dir=str(tmp_path))
    assert layout == dataset_layout("nnunet")
    cases, problems = layout.find(tmp_path, labelled=True)
    assert problems == []
    assert cases[0] == {
        "case": "a",
        "patient": "a",
        "modalities": ["t1", "t1c", "t2", "flair"],
        "image": [str(tmp_path / "imagesTr" / f"a_000{number}.nii.gz") for number in range(4)],
        "label": str(tmp_path / "labelsTr" / "a.nii.gz"),
    }
    assert [case["case"] for case in layout.find(tmp_path, labelled=False)[0]] == ["a", "b"]
    dataset(tmp_path, "c", folder="imagesTs")
    assert [case["case"] for case in layout.find(tmp_path, labelled=False)[0]] == ["c"]


@pytest.mark.parametrize("folder", ["imagesTr", "imagesTs"])
def test_a_folder_of_images_can_be_given(folder: str, tmp_path: Path) -> None:
    dataset(tmp_path, "a", folder=folder)
    layout = find_layout(dataset_dir=str(tmp_path / folder))
    assert layout == dataset_layout("nnunet")
    (case,), problems = layout.find(tmp_path / folder, labelled=folder == "imagesTr")
    assert problems == []
    assert case["image"][1] == str(tmp_path / folder / "a_0001.nii.gz")


def test_channels_in_another_order_are_known_by_name(tmp_path: Path) -> None:
    dataset(tmp_path, "a", channel_names={"0": "t2f", "1": "t1n", "2": "t2w", "3": "T1Gd"})
    layout = find_layout(dataset_dir=str(tmp_path))
    assert layout.modalities == {"t1": "0001", "t1c": "0003", "t2": "0002", "flair": "0000"}


def test_other_labels_are_regions_by_their_names(tmp_path: Path) -> None:
    labels = {"background": 0, "kidney": [1, 2], "cyst": 2, "ignore": 3}
    dataset(tmp_path, "a", channel_names={"0": "CT"}, labels=labels, file_ending=".nrrd")
    layout = find_layout("nnunet", dataset_dir=str(tmp_path))
    assert layout == NnunetLayout(modalities={"CT": "0000"}, regions={"kidney": (1, 2), "cyst": (2,)}, ending=".nrrd")
    assert len(layout.find(tmp_path, labelled=True)[0]) == 1


def test_missing_files_are_told_by_case(tmp_path: Path) -> None:
    dataset(tmp_path, "a", "b", "c")
    (tmp_path / "imagesTr" / "a_0001.nii.gz").unlink()
    (tmp_path / "labelsTr" / "b.nii.gz").unlink()
    cases, problems = find_cases(tmp_path, dataset_layout("nnunet"), labelled=True)
    assert [case["case"] for case in cases] == ["c"]
    told = "\n".join(map(str, problems))
    assert "a: no file for channel 0001 (t1c); found a_0000.nii.gz, a_0002.nii.gz, a_0003.nii.gz" in told
    assert "b: no file for its label in labelsTr; found " in told


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"labels": None}, r"dataset\.json: AttributeError.*; expected `channel_names`"),
        ({"labels": {"background": 0}}, "names no channel or no label"),
        ({"file_ending": ".png"}, r"files end in \.png; expected one of \.nii\.gz"),
        ({"channel_names": {"0": "T1", "1": "T1w"}}, "the channels T1 and T1w both mean t1"),
        ({"channel_names": {"x": "T1"}}, "invalid literal"),
    ],
)
def test_a_description_that_cannot_be_used_is_refused(tmp_path: Path, more: dict[str, Any], text: str) -> None:
    with pytest.raises(DatasetError, match=text):
        find_layout(dataset_dir=str(dataset(tmp_path, **more)))


def test_a_datalist_keeps_the_regions_of_its_data_set(tmp_path: Path) -> None:
    dataset(tmp_path, "a", labels={"background": 0, "NCR": 1, "ED": 2, "ET": 3})
    layout = find_layout(dataset_dir=str(tmp_path))
    cases, _ = layout.find(tmp_path, labelled=True)
    name = layout_name(layout)
    assert name == "nnunet"
    write_datalist(tmp_path / "list.json", cases, root=tmp_path, layout=layout, layout_name=name, details={})
    again = find_layout(datalist=str(tmp_path / "list.json"))
    assert dict(again.regions) == {"ET": (3,), "TC": (1, 3), "WT": (1, 2, 3)}
    assert read_datalist(tmp_path / "list.json", again) == cases
