"""Folders as clinics have them become cases by the names of their files; what is doubtful is refused with names."""

from pathlib import Path

import pytest

from iunet_med.datasets import NamedLayout, dataset_layout, find_layout

FILES = dataset_layout("files")
FOUR = ("t1", "t1c", "t2", "flair")
SCANNER = ("AX T1.nii.gz", "AX T1 POST.nii.gz", "AX T2.nii.gz", "AX FLAIR.nii.gz")
BIDS = ("T1w", "ce-gd_T1w", "T2w", "FLAIR")
SERIES = ("004_t1_se", "005_t1_se_km", "006_t2_tse", "007_t2_tirm_dark_fluid")
TREES = {
    "plain names": [f"x/x_{name}.nii" for name in FOUR],
    "BIDS": [f"sub-01/anat/sub-01_{name}.nii.gz" for name in BIDS],
    "BIDS with sessions": [f"sub-01/ses-post/anat/sub-01_ses-post_{name}.nii.gz" for name in BIDS],
    "scanner names": [f"P01/{name}" for name in SCANNER],
    "dates": [f"P01/20200131/{name}" for name in SCANNER],
    "visits": [f"{patient}/baseline/{name}" for patient in ("P01", "P02") for name in SCANNER],
    "flat": [f"{patient}_{name}.nii.gz" for patient in ("P01", "P02") for name in FOUR],
    "flat scanner names": [f"{number}_{name.replace(' ', '_')}" for number in (101, 102) for name in SCANNER],
    "one patient": list(SCANNER),
    "upper case": [f"P01/P01_{name.upper()}.NII.GZ" for name in FOUR],
    "other formats": [f"P01/{name}.{ending}" for name, ending in zip(FOUR, ("mha", "nrrd", "nii", "MHA"), strict=True)],
    "series numbers": [f"P01/{number}_{name}" for number, name in enumerate(SCANNER)],
    "series numbers in a patient's folder": [f"P01/P01_{name}.nii" for name in SERIES],
    "series numbers in one folder": [f"{name}.nii" for name in SERIES],
    "series numbers in a flat folder": [f"{patient}_{name}.nii" for patient in ("P01", "P02") for name in SERIES],
    "a folder per series": [f"{patient}/{name}/IM{place}.nii" for patient in "AB" for place, name in enumerate(SERIES)],
    "numbered folders": [f"P01/series{place}/{name}" for place, name in enumerate(SCANNER)],
    "a folder per modality": [f"{name}/{patient}.nii" for patient in ("P01", "P02") for name in FOUR],
    "sessions without BIDS names": [
        f"sub-{patient}/ses-{session}/anat/{name}" for patient in (1, 2) for session in (1, 2) for name in SCANNER
    ],
    "years": [f"{year}/{patient}/{name}" for year in (2020, 2021) for patient in ("P01", "P02") for name in SCANNER],
    "results inside a case": [*(f"P01/{name}" for name in SCANNER), *(f"P01/processed/{name}" for name in SCANNER)],
    "false friends": [
        *(f"T1_001/T1_001_{name}.nii.gz" for name in (*FOUR, "t1c_brain_mask", "adc", "t2star", "seg")),
        "T1_001/masks/brainmask.nii.gz",
    ],
}
CASES = {
    "plain names": ["x"],
    "BIDS": ["sub-01"],
    "BIDS with sessions": ["sub-01_ses-post"],
    "dates": ["P01_20200131"],
    "visits": ["P01_baseline", "P02_baseline"],
    "flat": ["P01", "P02"],
    "flat scanner names": ["101", "102"],
    "one patient": ["data"],
    "false friends": ["T1_001"],
    "series numbers in one folder": ["data"],
    "series numbers in a flat folder": ["P01", "P02"],
    "a folder per series": ["A", "B"],
    "a folder per modality": ["P01", "P02"],
    "sessions without BIDS names": ["sub-1_ses-1", "sub-1_ses-2", "sub-2_ses-1", "sub-2_ses-2"],
    "years": ["2020_P01", "2020_P02", "2021_P01", "2021_P02"],
    "results inside a case": ["P01", "P01_processed"],
}


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize("tree", TREES)
def test_trees_are_found_and_their_files_known(tree: str, tmp_path: Path) -> None:
    root = touch(tmp_path / "data", *TREES[tree])
    layout = find_layout(dataset_dir=str(root))
    assert layout == FILES
    cases, problems = layout.find(root, labelled=False)
    assert problems == []
    assert [case["case"] for case in cases] == CASES.get(tree, ["P01"])
    for number, case in enumerate(cases):
        assert case["image"] == [str(root / name) for name in TREES[tree][4 * number : 4 * number + 4]]


def test_visits_and_sessions_stay_with_their_patient(tmp_path: Path) -> None:
    touch(tmp_path, *TREES["BIDS with sessions"], *TREES["dates"])
    assert {case["patient"] for case in FILES.find(tmp_path, labelled=False)[0]} == {"P01", "sub-01"}


@pytest.mark.parametrize(
    "label",
    ["derivatives/manual/sub-01/anat/sub-01_dseg.nii.gz", "sub-01/anat/sub-01_label-lesion_mask.nii.gz"],
)
def test_labels_of_bids_lie_beside_or_below_derivatives(label: str, tmp_path: Path) -> None:
    brain = "derivatives/bet/sub-01/anat/sub-01_desc-brain_mask.nii.gz"
    copy = "derivatives/bet/sub-01/anat/sub-01_desc-preproc_T2w.nii.gz"
    touch(tmp_path, *TREES["BIDS"], label, brain, copy)
    (case,), problems = FILES.find(tmp_path, labelled=True)
    assert problems == []
    assert case["label"] == str(tmp_path / label)


def test_labels_may_lie_in_a_folder_of_their_own(tmp_path: Path) -> None:
    touch(tmp_path, *(f"images/{name}" for name in TREES["flat"]), "labels/P01_seg.nii.gz", "labels/P02_seg.nii.gz")
    cases, problems = FILES.find(tmp_path, labelled=True)
    assert problems == []
    assert [Path(case["label"]).name for case in cases] == ["P01_seg.nii.gz", "P02_seg.nii.gz"]


def told(root: Path, layout: NamedLayout = FILES) -> str:  # type: ignore[assignment]
    return "\n".join(map(str, layout.find(root, labelled=False)[1]))


def test_two_files_for_one_modality_are_named(tmp_path: Path) -> None:
    touch(tmp_path, *TREES["plain names"], "x/x_T1_post.nii")
    assert "x: 2 files for t1c, x/x_T1_post.nii and x/x_t1c.nii; expected one file each for" in told(tmp_path)


def test_what_is_missing_is_told_with_what_was_found(tmp_path: Path) -> None:
    text = told(touch(tmp_path, "x/x_flair.nii", "x/odd.nii"))
    assert "x: no file for t1, t1c, t2; found flair (x/x_flair.nii); not recognised: x/odd.nii; expected one" in text
    assert "by `iunet-med segment FOLDER --map t1='PATTERN'`" in text
    assert "a CSV list headed case,t1,t1c,t2,flair" in text


def test_files_of_several_patients_are_never_mixed(tmp_path: Path) -> None:
    cases, problems = FILES.find(
        touch(tmp_path, "P01_t1.nii", "P01_t1c.nii", "P02_t2.nii", "P02_flair.nii"), labelled=False
    )
    assert cases == []
    assert [problem.case for problem in problems] == ["P01", "P02"]


def test_patterns_go_before_names(tmp_path: Path) -> None:
    touch(tmp_path, *TREES["plain names"], "x/Series 7 POST.nii", "x/odd.nii")
    layout = NamedLayout(modalities={"t1": "", "t1c": "*/SERIES 7*", "t2": "ODD.*", "flair": ""}, regions={})
    (case,), _ = layout.find(tmp_path, labelled=False)
    assert [Path(path).name for path in case["image"]] == ["x_t1.nii", "Series 7 POST.nii", "odd.nii", "x_flair.nii"]
    both = NamedLayout(modalities={"t1": "*_t1.nii", "t1c": "*_t1*"}, regions={})
    assert "x/x_t1.nii fits both t1 and t1c" in told(tmp_path, both)


@pytest.mark.parametrize(
    "files",
    [
        [f"case_{number}_{channel:04d}.nii.gz" for number in (1, 2) for channel in range(4)],
        [f"{patient}/S{channel}/{channel:04d}.nii" for patient in ("case_1", "case_2") for channel in range(4)],
    ],
)
def test_patterns_tell_cases_apart_where_names_do_not(files: list[str], tmp_path: Path) -> None:
    root = touch(tmp_path, *files)
    layout = NamedLayout(modalities={name: f"*{channel:04d}.nii*" for channel, name in enumerate(FOUR)}, regions={})
    cases, problems = layout.find(root, labelled=False)
    assert problems == []
    assert [case["case"] for case in cases] == ["case_1", "case_2"]
    assert [path for case in cases for path in case["image"]] == [str(root / name) for name in files]


def test_patterns_of_folders(tmp_path: Path) -> None:
    root = touch(tmp_path, *(f"{patient}/S{channel}/x.nii" for patient in "AB" for channel in range(4)))
    layout = NamedLayout(modalities={name: f"*/S{channel}/*" for channel, name in enumerate(FOUR)}, regions={})
    cases, problems = layout.find(root, labelled=False)
    assert problems == []
    assert [case["case"] for case in cases] == ["A", "B"]


def test_repeated_names_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{side}/{name}" for side in "ab" for name in TREES["flat"]))
    assert "P01: several folders, " in told(tmp_path)


def test_a_missing_label_is_told_how_to_name_it(tmp_path: Path) -> None:
    (problem,) = FILES.find(touch(tmp_path, *TREES["plain names"]), labelled=True)[1]
    assert problem.found.startswith("no file for label; found t1 (x/x_t1.nii), ")
    assert problem.cure.startswith("name the label by seg, label or mask")
