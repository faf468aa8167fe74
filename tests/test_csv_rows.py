"""Rows of CSV files: columns by name, and no cell that a spreadsheet would run."""

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest

from iunet_med.csv_rows import read_cell, write_cell, write_rows


@dataclass(frozen=True)
class Row:
    name: str
    value: float


def test_fields_are_the_columns_also_without_rows(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.csv", [Row('a "quoted", name', 0.5)], row_type=Row)
    assert (tmp_path / "rows.csv").read_text() == 'name,value\n"a ""quoted"", name",0.5\n'
    write_rows(tmp_path / "rows.csv", [], row_type=Row)
    assert (tmp_path / "rows.csv").read_text() == "name,value\n"


FORMULAS = ["=1+1", "+1 2", "-x", "@sum", "\tx", "\rx", " =1", "'=1", "\uff1d1", "-1.5e", "+41 79"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_spreadsheet_runs_a_cell(text: str, tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.csv", [Row(text, -1.5)], row_type=Row)
    with (tmp_path / "rows.csv").open(newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    assert row == {"name": f"'{text}", "value": "-1.5"}
    assert read_cell(row["name"]) == text


@pytest.mark.parametrize("text", ["-1.5", "+2", "1e-3", "a=b", "", "'quoted'", "it's", "\u00e9"])
def test_other_cells_stay(text: str) -> None:
    assert write_cell(text) == read_cell(text) == text


def test_names_that_are_no_text_are_written(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.csv", [Row("\udcff", 1.0)], row_type=Row)
    assert (tmp_path / "rows.csv").read_text(encoding="utf-8").splitlines()[1] == "\\udcff,1.0"
