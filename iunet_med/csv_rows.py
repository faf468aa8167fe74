"""Dataclass instances as the rows of a CSV file, which no spreadsheet takes for formulas."""

import csv
import re
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from iunet_med.files import replacing

_FORMULA = re.compile(r"'*\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
"""What spreadsheets run, also in full width. Source: https://owasp.org/www-community/attacks/CSV_Injection."""
_ESCAPED = "backslashreplace"  # names of files may hold what is no text
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def write_rows(path: Path, rows: Sequence[Any], *, row_type: type[Any]) -> None:
    """Write one row per instance of the dataclass `row_type`, whose fields are the columns.

    A text that a spreadsheet would run gets an apostrophe in front, which `read_cell` takes away.
    """
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8", errors=_ESCAPED) as file:
        writer = csv.DictWriter(file, [field.name for field in fields(row_type)])
        writer.writeheader()
        writer.writerows({name: write_cell(cell) for name, cell in asdict(row).items()} for row in rows)


def write_cell(cell: Any) -> Any:
    """Return what to write for a cell: texts that a spreadsheet would run begin with an apostrophe.

    >>> write_cell("=1+1"), write_cell("-1.5"), write_cell(-1.5)
    ("'=1+1", '-1.5', -1.5)
    """
    runs = isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if runs else cell


def read_cell(cell: Any) -> Any:
    """Return what `write_cell` was given.

    >>> read_cell("'=1+1"), read_cell("'quoted'")
    ('=1+1', "'quoted'")
    """
    return cell[1:] if isinstance(cell, str) and cell.startswith("'") and _FORMULA.match(cell) else cell
