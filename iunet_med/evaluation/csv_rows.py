"""Dataclass instances as the rows of a CSV file."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from iunet_med.files import replacing


def write_rows(path: Path, rows: Sequence[Any], *, row_type: type[Any]) -> None:
    """Write one row per instance of the dataclass `row_type`, whose fields are the columns."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(row_type)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
