from dataclasses import dataclass
from pathlib import Path

from iunet_med.evaluation.csv_rows import write_rows


@dataclass(frozen=True)
class Row:
    name: str
    value: float


def test_fields_are_the_columns_also_without_rows(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.csv", [Row('a "quoted", name', 0.5)], row_type=Row)
    assert (tmp_path / "rows.csv").read_text() == 'name,value\n"a ""quoted"", name",0.5\n'
    write_rows(tmp_path / "rows.csv", [], row_type=Row)
    assert (tmp_path / "rows.csv").read_text() == "name,value\n"
