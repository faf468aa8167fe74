"""The list of a folder says what would be taken, guesses what it can, and never fails for what is missing."""

from pathlib import Path

import pytest

from iunet_med.inference.intake.listing import ListedCase, ListedSeries, Listing, list_inputs
from iunet_med.volumes import dicom
from iunet_med.volumes.dicom import FoundSeries, Series
from iunet_med.volumes.dicom.headers import Frame

BUNDLE = Path(__file__).parents[3] / "bundle" / "iunet_brats_mri"
FOUR = ("t1", "t1c", "t2", "flair")


def listed(root: Path, *names: str, **options: object) -> Listing:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return list_inputs(root, bundle=BUNDLE, **options)  # type: ignore[arg-type]


def test_complete_cases_with_their_files(tmp_path: Path) -> None:
    listing = listed(tmp_path, *(f"P01/{name}.nii" for name in FOUR))
    assert listing.is_complete
    assert listing.layout == "files"
    assert listing.cases == (ListedCase("P01", {name: (tmp_path / "P01" / f"{name}.nii",) for name in FOUR}),)


def test_a_case_that_lacks_files_is_listed_with_what_was_found(tmp_path: Path) -> None:
    listing = listed(tmp_path, "P01/flair.nii", "P01/t1_gd.nii", "P01/t1post.nii", "P01/odd.nii")
    (case,) = listing.cases
    assert not listing.is_complete
    assert {name: len(paths) for name, paths in case.found.items()} == {"flair": 1, "t1c": 2}
    assert case.others == (tmp_path / "P01" / "odd.nii",)
    assert case.problem.startswith("no file for t1, t2; found t1c")


def test_a_folder_without_a_known_name_is_listed_all_the_same(tmp_path: Path) -> None:
    listing = listed(tmp_path, "scans/a.nii")
    assert listing.problem.startswith(f"{tmp_path} cannot be used")
    assert listing.cases[0].others == (tmp_path / "scans" / "a.nii",)


def test_patterns_are_tried(tmp_path: Path) -> None:
    listing = listed(tmp_path, *(f"x/{name}.nii" for name in "abcd"), series=dict(zip(FOUR, "abcd", strict=True)))
    assert not listing.is_complete
    listing = listed(tmp_path, series={name: f"{letter}.nii" for name, letter in zip(FOUR, "abcd", strict=True)})
    assert listing.is_complete


def test_paths_of_a_list_that_do_not_exist_are_told(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("case,t1,t1c,t2,flair\nx,a.nii,b.nii,c.nii,d.nii\n")
    (case,) = listed(tmp_path / "list.csv").cases
    assert case.problem.startswith("no such file: ")


def test_series_are_listed_with_size_and_a_guess(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = Frame(tmp_path / "1.dcm", None, (256, 192), (0, 0, 0), (1, 0, 0, 0, 1, 0), (1, 1), (), ())
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.dcm").write_bytes(bytes(128) + b"DICM")
    places = {"a": "a/1.dcm", "b": "b/1.dcm", "c": "b/2.dcm"}
    found = [
        Series(f"series-{key}", "study-1", "patient-1", text, "MR", (tmp_path / places[key],), frames=(frame,) * 3)
        for key, text in (("a", "AX T1 +C"), ("b", "FLAIR"), ("c", "FLAIR again"))
    ]
    monkeypatch.setattr(dicom, "find_series", lambda _root: FoundSeries(found, []))
    listing = listed(tmp_path)
    first = ListedSeries("study-1", "series-a", "MR", (256, 192, 3), "AX T1 +C", "t1c", tmp_path / "a")
    assert listing.series[0] == first
    assert [one.folder for one in listing.series[1:]] == [None, None]
    (case,) = listing.cases
    assert case.found == {"t1c": ("series-a",), "flair": ("series-b", "series-c")}
    assert "holds DICOM; say which series is which of t1, t1c, t2, flair. Add --map t1='PATTERN'" in listing.problem


def test_a_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"There is no .*; give a file, a folder of cases"):
        listed(tmp_path / "absent")
