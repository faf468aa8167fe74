"""Folders become cases whose modalities are known by name."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iunet_med.datasets import DatasetError, FolderLayout, MsdLayout, dataset_layout

BRATS23 = dataset_layout("brats23")


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("brats18", ("B_t1.nii.gz", "B_t1ce.nii.gz", "B_t2.nii", "B_flair.nii.gz", "B_seg.nii.gz")),
        ("brats23", ("B-t1n.nii.gz", "B-t1c.nii.gz", "B-t2w.nii.gz", "B-t2f.nii.gz", "B-seg.nii.gz")),
    ],
)
def test_brats_files_are_found_in_the_order_t1_t1c_t2_flair(tmp_path: Path, name: Any, files: tuple[str, ...]) -> None:
    touch(tmp_path / "HGG" / "B", *reversed(files), ".hidden_t1.nii.gz", "notes.txt")
    cases, problems = dataset_layout(name).find(tmp_path, labelled=True)
    assert problems == []
    assert cases == [
        {
            "case": "B",
            "patient": "B",
            "image": [str(tmp_path / "HGG" / "B" / file) for file in files[:4]],
            "modalities": ["t1", "t1c", "t2", "flair"],
            "label": str(tmp_path / "HGG" / "B" / files[4]),
        }
    ]


def test_regions_count_the_enhancing_tumour_as_each_year_numbers_it() -> None:
    assert dict(dataset_layout("brats18").regions) == {"ET": (4,), "TC": (1, 4), "WT": (1, 2, 4)}
    assert dict(BRATS23.regions) == {"ET": (3,), "TC": (1, 3), "WT": (1, 2, 3)}
    assert dict(dataset_layout("msd").regions) == {"ET": (3,), "TC": (2, 3), "WT": (1, 2, 3)}


def test_an_unknown_layout_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no layout named 'brats99'; choose one of brats18, brats23, brats24, msd"):
        dataset_layout("brats99")  # type: ignore[arg-type]


def test_scans_of_one_patient_share_its_name(tmp_path: Path, brats_case: Callable[..., Path]) -> None:
    for name in ("BraTS-GLI-7-000", "BraTS-GLI-7-101"):
        brats_case(tmp_path, name, shape=(4, 4, 4))
    cases, _ = BRATS23.find(tmp_path, labelled=False)
    assert [case["patient"] for case in cases] == ["BraTS-GLI-7", "BraTS-GLI-7"]


def test_a_folder_that_is_itself_a_case_needs_no_label_to_be_segmented(tmp_path: Path) -> None:
    touch(tmp_path / "only", "x-t1n.nii", "x-t1c.nii", "x-t2w.nii", "x-t2f.nii")
    cases, problems = BRATS23.find(tmp_path / "only", labelled=False)
    assert [case["case"] for case in cases] == ["only"]
    assert problems == []


def test_missing_ambiguous_empty_and_repeated_cases_are_all_told(tmp_path: Path) -> None:
    complete = ("x-t1n.nii.gz", "x-t1c.nii.gz", "x-t2w.nii.gz", "x-t2f.nii.gz", "x-seg.nii.gz")
    touch(tmp_path / "a", *complete[1:])
    touch(tmp_path / "b", *complete, "y-t1c.nii")
    touch(tmp_path / "c")
    touch(tmp_path / "HGG" / "d", *complete)
    touch(tmp_path / "LGG" / "d", *complete)
    _, problems = BRATS23.find(tmp_path, labelled=True)
    told = {problem.case: str(problem) for problem in problems}
    assert sorted(told) == ["a", "b", "c", "d"]
    assert told["a"] == (
        "a: no file for t1 among x-seg.nii.gz, x-t1c.nii.gz, x-t2f.nii.gz, x-t2w.nii.gz; "
        "expected files that match *-t1n.nii*; add them, or take the case away"
    )
    unlabelled = {problem.case: problem.cure for problem in BRATS23.find(tmp_path, labelled=False)[1]}
    assert unlabelled["a"].startswith("say which file it is by `iunet-med segment FOLDER --map t1='PATTERN'`")
    assert "2 files for t1c, x-t1c.nii.gz, y-t1c.nii; expected one that matches *-t1c.nii*" in told["b"]
    assert "no file for t1, t1c, t2, flair, label among no files" in told["c"]
    assert f"two folders, {tmp_path}/HGG/d and {tmp_path}/LGG/d; expected one folder per name" in told["d"]


def write_msd(root: Path, **changes: Any) -> None:
    description: dict[str, Any] = {
        "modality": {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"},
        "labels": {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"},
        "training": [{"image": "./imagesTr/B1.nii.gz", "label": "./labelsTr/B1.nii.gz"}],
        "test": ["./imagesTs/B2.nii.gz"],
    }
    touch(root / "imagesTr", "B1.nii.gz")
    touch(root / "labelsTr", "B1.nii.gz")
    touch(root / "imagesTs", "B2.nii.gz")
    (root / "dataset.json").write_text(json.dumps({**description, **changes}))


def test_msd_names_the_channels_as_they_lie_in_the_file(tmp_path: Path) -> None:
    write_msd(tmp_path)
    (train,), _ = dataset_layout("msd").find(tmp_path, labelled=True)
    (test,), _ = dataset_layout("msd").find(tmp_path, labelled=False)
    assert train["modalities"] == ["flair", "t1", "t1c", "t2"]
    assert (train["case"], train["image"]) == ("B1", str(tmp_path / "imagesTr" / "B1.nii.gz"))
    assert train["label"] == str(tmp_path / "labelsTr" / "B1.nii.gz")
    assert "label" not in test
    assert (test["case"], test["image"]) == ("B2", str(tmp_path / "imagesTs" / "B2.nii.gz"))


def test_msd_absent_and_repeated_files_are_all_told(tmp_path: Path) -> None:
    item = {"image": "imagesTr/B1.nii.gz", "label": "labelsTr/B1.nii.gz"}
    write_msd(tmp_path, training=[item, item, {"image": "imagesTr/B7.nii.gz", "label": "labelsTr/B8.nii.gz"}])
    cases, problems = dataset_layout("msd").find(tmp_path, labelled=True)
    assert cases == []
    assert [problem.case for problem in problems] == ["B1", "B7"]
    assert "dataset.json lists it twice" in problems[0].found
    assert f"{tmp_path}/imagesTr/B7.nii.gz, {tmp_path}/labelsTr/B8.nii.gz" in problems[1].found


def test_msd_with_other_channels_or_labels_is_refused_by_name(tmp_path: Path) -> None:
    write_msd(tmp_path, modality={"0": "FLAIR", "1": "T1w"}, labels={"1": "necrosis", "2": "edema", "3": "enhancing"})
    _, problems = dataset_layout("msd").find(tmp_path, labelled=True)
    told = "\n".join(map(str, problems))
    assert "modality lists FLAIR, T1w; expected t1 (t1 or t1w)" in told
    assert "label 1 is called 'necrosis'; expected a name with 'edema' in it" in told
    assert "label 2 is called 'edema'; expected a name with 'non-enhancing' in it" in told


def test_msd_without_its_description_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"dataset\.json: .*No such file.*; expected the data set's description"):
        dataset_layout("msd").find(tmp_path, labelled=True)


def test_both_layouts_can_be_made_for_other_data(tmp_path: Path) -> None:
    touch(tmp_path / "p", "T1.nii.gz", "FLAIR.nii.gz", "mask.nii.gz")
    folders = FolderLayout(
        modalities={"flair": "FLAIR.nii.gz", "t1": "T1.nii.gz"}, regions={"lesion": [1]}, label="mask.nii.gz"
    )
    (case,), _ = folders.find(tmp_path, labelled=True)
    assert [Path(path).name for path in case["image"]] == ["FLAIR.nii.gz", "T1.nii.gz"]
    write_msd(tmp_path / "task", modality={"0": "CT"}, labels={})
    organs = MsdLayout(modalities={"ct": ("ct",)}, regions={"spleen": [1]})
    (case,), problems = organs.find(tmp_path / "task", labelled=True)
    assert (case["modalities"], problems) == (["ct"], [])
