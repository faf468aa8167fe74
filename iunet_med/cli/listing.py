"""Prints what `segment --list` has found: tables, and with problems a list or patterns to fill in."""

import csv
import io
import shlex
import sys
from collections.abc import Sequence
from glob import escape as exactly
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from iunet_med.evaluation.csv_rows import write_cell
from iunet_med.files import readable

if TYPE_CHECKING:
    from iunet_med.inference.listing import ListedCase, ListedSeries, Listing

WIDTH = 160
"""Columns where the output is no terminal, such as a file."""


def tell_listing(listing: "Listing") -> None:
    """Print the cases with what was found for each modality, the series of DICOM, what is wrong, and what to type."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    if listing.cases:
        console.print(case_table(listing))
    if listing.series:
        console.print(series_table(listing.series))
    if listing.is_complete:
        return
    for case in listing.cases:
        if case.problem:
            _print(console, f"{case.name}: {case.problem}")
    if listing.problem and not listing.cases:
        _print(console, listing.problem)
    if listing.series:
        _print(console, "\nSay which series is which, by patterns of their descriptions or by keys:")
        _print(console, map_options(listing))
    elif listing.cases:
        _print(console, "\nOr fill in this list, save it as cases.csv, and give that in place of the folder:")
        _print(console, template(listing))


def case_table(listing: "Listing") -> Table:
    """Tell for each case and modality which file or series would be taken."""
    table = Table(title=f"{len(listing.cases)} cases, layout {listing.layout}", title_justify="left")
    for heading in ("case", "modality", "file or series"):
        table.add_column(heading, overflow="fold")
    for case in listing.cases:
        names = [name for name in listing.modalities if name in case.found or "image" not in case.found]
        rows = [(name, _candidates(case, name, listing.root)) for name in [*names, *_whole(case)]]
        rows += [("?", _below(path, listing.root)) for path in case.others]
        for number, (name, text) in enumerate(rows):
            last = number == len(rows) - 1
            first = case.name if number == 0 else ""
            table.add_row(*(escape(readable(text)) for text in (first, name, text)), end_section=last)
    return table


def series_table(series: Sequence["ListedSeries"]) -> Table:
    """Tell the series of each study; descriptions are the scanner's."""
    table = Table(title=f"{len(series)} series of DICOM", title_justify="left")
    for heading in ("study", "key", "kind", "rows x columns x slices", "description", "perhaps"):
        table.add_column(heading, overflow="fold")
    for one in series:
        size = " x ".join(map(str, one.size))
        texts = (one.study, one.key, one.kind, size, one.description, one.guess)
        table.add_row(*(escape(readable(text)) for text in texts))
    return table


def template(listing: "Listing") -> str:
    """A list of cases in CSV with what was found; what is missing or has several candidates is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["case", *listing.modalities])
    for case in listing.cases:
        found = [case.found.get(name, ()) for name in listing.modalities]
        cells = [case.name, *(str(paths[0]) if len(paths) == 1 else "" for paths in found)]
        writer.writerow([write_cell(cell) for cell in cells])
    return text.getvalue().rstrip("\n")


def map_options(listing: "Listing") -> str:
    """The options `--map` with the descriptions of series whose names tell a modality."""
    guesses = {one.guess: one.description for one in reversed(listing.series)}
    options = {name: exactly(guesses[name]) if name in guesses else "PATTERN" for name in listing.modalities}
    return " ".join(f"--map {shlex.quote(f'{name}={pattern}')}" for name, pattern in options.items())


def _candidates(case: "ListedCase", name: str, root: Path) -> str:
    return " or ".join(_below(path, root) for path in case.found.get(name, ())) or "not found"


def _whole(case: "ListedCase") -> list[str]:
    return ["image"] if "image" in case.found else []


def _below(path: Path | str, root: Path) -> str:
    return path.relative_to(root).as_posix() if isinstance(path, Path) and path.is_relative_to(root) else str(path)


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
