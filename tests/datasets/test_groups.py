"""Images become cases, and cases keep to their patients; trees as a whole are tried in test_named_layout."""

from pathlib import Path

from iunet_med.datasets.groups import Group, group_images
from iunet_med.datasets.kinds import Kinds

FOUR = ("t1", "t1c", "t2", "flair")


def groups(root: Path, *names: str) -> dict[str, Group]:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return {group.name: group for group in group_images(Kinds(root, dict.fromkeys((*FOUR, "label"), "")))}


def test_visits_years_and_inner_folders_keep_to_their_patient(tmp_path: Path) -> None:
    found = groups(
        tmp_path,
        *(f"P01/{place}/{name}.nii" for place in ("mr/baseline", "week-044", "2019") for name in FOUR),
        *(f"{year}/P02/{name}.nii" for year in (2020, 2021) for name in FOUR),
        *(f"P03/{place}/{name}.nii" for place in (".", "processed") for name in FOUR),
    )
    assert {name: group.patient for name, group in found.items()} == {
        **dict.fromkeys(("P01_baseline", "P01_week-044", "P01_2019"), "P01"),
        **dict.fromkeys(("2020_P02", "2021_P02"), "P02"),
        **dict.fromkeys(("P03", "P03_processed"), "P03"),
    }


def test_numbered_patients_of_one_modality_stay_apart(tmp_path: Path) -> None:
    assert set(groups(tmp_path, "001_t1.nii", "002_t1.nii", "003_t2.nii")) == {"001", "002", "003"}


def test_a_series_folder_says_what_its_file_is_unless_the_name_does(tmp_path: Path) -> None:
    (group,) = groups(tmp_path, "P01/T1/x.nii", "P01/T1/adc.nii", "P01/T2/P01_T2.nii", "P01/odd/z.nii").values()
    assert group.taken == {"t1": [tmp_path / "P01/T1/x.nii"], "t2": [tmp_path / "P01/T2/P01_T2.nii"]}
    assert group.others == [tmp_path / "P01/T1/adc.nii"]


def test_a_folder_that_is_called_like_a_modality_may_be_a_case(tmp_path: Path) -> None:
    assert set(groups(tmp_path, *(f"T1_cohort/{name}.nii" for name in FOUR))) == {"T1_cohort"}


def test_labels_in_a_folder_of_their_own_join_their_cases(tmp_path: Path) -> None:
    found = groups(tmp_path, *(f"images/{p}_{n}.nii" for p in "AB" for n in FOUR), "labels/A.nii", "labels/B.nii")
    assert {name: group.taken["label"] for name, group in found.items()} == {
        name: [tmp_path / f"labels/{name}.nii"] for name in "AB"
    }
