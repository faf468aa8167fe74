"""Lists are read as spreadsheets write them."""

import json
from pathlib import Path

import pytest

from iunet_med.inference.intake.case_lists import read_rows

FOUR = ("t1", "t1c", "t2", "flair")
ROW = {"case": "P1", "t1": "a", "t1c": "b", "t2": "c", "flair": "d"}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    "headings", [("case", *FOUR), ("Subject", "T1", "T1C", "T2", "FLAIR"), ("Patient ", "T1w", "T1 post", "T2w", "t2f")]
)
def test_csv_of_any_separator_and_case(tmp_path: Path, headings: tuple[str, ...], separator: str, mark: str) -> None:
    (tmp_path / "list.CSV").write_text(f"{mark}{separator.join(headings)}\n{separator.join(ROW.values())}\n", "utf-8")
    assert read_rows(tmp_path / "list.CSV", FOUR) == [ROW]


def test_json_has_the_same_keys(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text(json.dumps([{"ID": "P1", "T1": "a", "T1ce": "b", "T2": "c", "FLAIR": "d"}]))
    assert read_rows(tmp_path / "list.json", FOUR) == [ROW]


def test_case_goes_before_other_names(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("patient,case,image,notes\nX,X-1,a.nii,old\n")
    assert read_rows(tmp_path / "list.csv", FOUR) == [{"case": "X-1", "image": "a.nii"}]


def test_two_columns_for_one_modality_are_named(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("case,t1c,T1 post\nx,a,b\n")
    with pytest.raises(ValueError, match=r"has two columns for t1c, 't1c' and 'T1 post'"):
        read_rows(tmp_path / "list.csv", FOUR)
