"""Reads lists of cases as people write them: CSV with any separator and any case of headings, or JSON."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from iunet_med.csv_rows import read_cell
from iunet_med.datasets.names import kind_of, split_name

WHOLE = "image"
"""The key of a file that holds all modalities as channels, in the network's order or in that of `channels`."""
CASE_HEADINGS = ("case", "case_id", "subject", "subject_id", "patient", "patient_id", "participant_id", "id", "name")
"""The first of these that a list has names the cases."""


def read_rows(path: Path, modalities: Sequence[str]) -> list[dict[str, Any]]:
    """Read a list's entries, each with `case` and the keys among `modalities` and `image` that it has.

    Raises:
        ValueError: it is no list of cases, or two of its columns mean one modality.
    """
    try:
        rows = _csv(path) if path.suffix.lower() == ".csv" else _json(path)
    except (OSError, ValueError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read as a list of cases: {error}") from error
    if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        keys = _keys(path, list(dict.fromkeys(key for row in rows for key in row)), modalities)
        entries = [{keys[key]: cell for key, cell in row.items() if key in keys} for row in rows]
        if all("case" in entry for entry in entries):
            return entries
    raise ValueError(
        f"{path} is no list of cases; expected one entry per case with `case`, its name, and one path per modality, as "
        f"in {','.join(['case', *modalities])}, or `{WHOLE}`, one file for all; paths start from the list's folder."
    )


def _csv(path: Path) -> Any:
    with path.open(newline="", encoding="utf-8-sig") as file:
        heading = file.readline()
        file.seek(0)
        separator = max(",;\t", key=heading.count)
        rows = csv.DictReader(file, delimiter=separator)
        return [{key: read_cell(cell) for key, cell in row.items() if key} for row in rows]


def _json(path: Path) -> Any:
    rows = json.loads(path.read_text(encoding="utf-8-sig"))
    return rows.get("cases") if isinstance(rows, dict) else rows


def _keys(path: Path, headings: Sequence[str], modalities: Sequence[str]) -> Mapping[str, str]:
    """Return what each heading means, for those that mean something here."""
    plain = {heading: heading.strip().strip("\ufeff").casefold() for heading in headings}
    meanings = {name.casefold(): name for name in (WHOLE, *modalities)}
    keys = {heading: meanings[text] for heading, text in plain.items() if text in meanings}
    for heading in headings:
        kind = kind_of(split_name(heading.strip()).words)
        if kind is None or heading in keys or kind not in modalities:
            continue
        if kind not in keys.values():
            keys[heading] = kind
        else:
            first = next(other for other, name in keys.items() if name == kind)
            raise ValueError(f"{path} has two columns for {kind}, {first!r} and {heading!r}; take one of them away.")
    named = [heading for name in CASE_HEADINGS for heading, text in plain.items() if text == name]
    return {**keys, **({named[0]: "case"} if named else {})}
