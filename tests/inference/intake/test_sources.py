"""What the user points at becomes cases with unique, safe names; faults stay with their case."""

import json
from pathlib import Path

import pytest

from iunet_med.datasets import FolderLayout, dataset_layout
from iunet_med.inference.intake.case_lists import WHOLE
from iunet_med.inference.intake.source import Source, inputs_of
from iunet_med.inference.intake.sources import list_sources

BRATS = dataset_layout("brats23")
CT = FolderLayout(modalities={"ct": "*.nii*"}, regions={"organ": (1,)}, label="*_seg*")


def test_a_folder_of_cases(brats_folder: Path) -> None:
    sources = list_sources(brats_folder, BRATS)
    assert [source.name for source in sources] == ["GLI-1-000", "GLI-1-001", "GLI-2-000", "GLI-3-000", "GLI-4-000"]
    assert list(sources[0].files) == ["t1", "t1c", "t2", "flair"]


def test_single_files_of_one_modality(tmp_path: Path) -> None:
    for name in ("b.nii.gz", "sub/a.mha", "c.NRRD", ".hidden.nii", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [source.name for source in list_sources(tmp_path, CT)] == ["a", "b", "c"]
    assert list_sources(tmp_path / "b.nii.gz", CT) == [Source("b", {WHOLE: tmp_path / "b.nii.gz"})]


def test_lists_name_each_case(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("case,t1,t1c,t2,flair\none,a,b,c,d\ntwo,a,,c,d\n../up,a,b,c,d\none,a,b,c,d\n")
    by_name = {source.name: source for source in list_sources(tmp_path / "list.csv", BRATS)}
    assert by_name["one"].files["t1c"] == tmp_path / "b"
    assert by_name["two"].problem.startswith("entry 2 of list.csv has no path for t1c; write the file's path, from")
    assert "number 2" in by_name["one-2-of-the-name"].problem
    (refused,) = (name for name in by_name if name.startswith("refused-"))
    assert "../up" in by_name[refused].problem
    (tmp_path / "list.json").write_text(json.dumps({"cases": [{"case": "x", "image": "x.nii"}]}))
    assert list_sources(tmp_path / "list.json", BRATS) == [Source("x", {WHOLE: tmp_path / "x.nii"})]


@pytest.mark.parametrize("content", ["", "a,b\n1,2", "[1]", "{}", '{"cases": 3}', "\0"])
@pytest.mark.parametrize("ending", ["csv", "json"])
def test_what_is_no_list_is_told(content: str, ending: str, tmp_path: Path) -> None:
    (tmp_path / f"list.{ending}").write_text(content)
    with pytest.raises(ValueError, match=r"is no list of cases|cannot be read as a list|holds no case"):
        list_sources(tmp_path / f"list.{ending}", BRATS)


FOUR = ("t1", "t1c", "t2", "flair")


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_linked_case_folders_are_found(tmp_path: Path) -> None:
    touch(tmp_path, *(f"far/x_{name}.nii" for name in FOUR))
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "P01").symlink_to(tmp_path / "far")
    (source,) = list_sources(tmp_path / "scans", dataset_layout("files"))
    assert source.name == "P01"
    assert inputs_of(source, tmp_path / "scans") == {name: f"P01/x_{name}.nii" for name in FOUR}
    assert [source.name for source in list_sources(tmp_path / "scans", CT)] == [f"x_{name}" for name in sorted(FOUR)]


def test_patterns_mean_files_where_there_are_files(tmp_path: Path) -> None:
    touch(tmp_path, "x/one.nii", "x/two.nii", "x/T2.nii", "x/FLAIR.nii")
    (source,) = list_sources(tmp_path, BRATS, series={"t1": "x/ONE*", "t1c": "two.*"})
    assert inputs_of(source, tmp_path) == {
        "t1": "x/one.nii",
        "t1c": "x/two.nii",
        "t2": "x/T2.nii",
        "flair": "x/FLAIR.nii",
    }
    (source,) = list_sources(tmp_path, BRATS, series={"t1": "three*"})
    assert "no file for t1, t1c; found t2 (x/T2.nii), flair (x/FLAIR.nii); not recognised: x/one.nii" in source.problem
    with pytest.raises(ValueError, match=r"--map names pet; the bundle's modalities are t1, t1c, t2, flair"):
        list_sources(tmp_path, BRATS, series={"pet": "*"})


def test_nothing_to_run_says_what_always_works(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no case; expected .*--map t1='PATTERN'.*headed case,t1,t1c,t2,flair"):
        list_sources(touch(tmp_path, "notes.txt"), BRATS)
