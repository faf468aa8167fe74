"""Prints what `segment --list` has found, and writes it as a list of cases to fill in."""

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

from iunet_med.csv_rows import write_cell
from iunet_med.files import readable, replacing

if TYPE_CHECKING:
    from iunet_med.inference.intake.listing import ListedCase, ListedSeries, Listing

WIDTH = 160
"""Columns where the output is no terminal, such as a file."""


def tell_listing(listing: "Listing") -> None:
    """Print the cases with what was found for each modality, the series of DICOM, what is wrong, and what to type."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    if listing.series:
        console.print(series_table(listing.series))
    if listing.cases:
        console.print(case_table(listing))
    if listing.is_complete:
        return
    if listing.problem:
        _print(console, listing.problem)
    for case in listing.cases:
        if case.problem and not (listing.series and listing.problem):
            _print(console, f"{case.name}: {case.problem}")
    if listing.series:
        _print(console, "\nSay which series is which, by patterns of their descriptions or by keys:")
        _print(console, map_options(listing))
    if listing.cases and "image" not in listing.cases[0].found:
        _print(console, "\nOr fill in this list (--list --output cases.csv writes it), and give it as INPUT:")
        _print(console, template(listing))


def write_template(path: Path, listing: "Listing") -> None:
    """Write the list of cases with what was found."""
    with replacing(path) as temporary:
        temporary.write_text(template(listing) + "\n", encoding="utf-8", errors="surrogateescape")


def case_table(listing: "Listing") -> Table:
    """Tell for each case and modality which file or series would be taken."""
    table = Table(title=f"{len(listing.cases)} cases, layout {listing.layout}", title_justify="left")
    for heading in ("case", "modality", "file or series"):
        table.add_column(heading, overflow="fold")
    for case in listing.cases:
        names = [name for name in listing.modalities if name in case.found or "image" not in case.found]
        rows = [(name, _candidates(case, name, listing.root)) for name in [*names, *_whole(case)]]
        rows += [("not used", _below(path, listing.root)) for path in case.others]
        for number, (name, text) in enumerate(rows):
            last = number == len(rows) - 1
            first = case.name if number == 0 else ""
            table.add_row(*(escape(readable(text)) for text in (first, name, text)), end_section=last)
    return table


def series_table(series: Sequence["ListedSeries"]) -> Table:
    """Tell the series of each study; descriptions are the scanner's."""
    table = Table(title=f"{len(series)} series of DICOM", title_justify="left")
    for heading in ("study", "key", "kind", "columns x rows x slices", "description", "perhaps"):
        table.add_column(heading, overflow="fold")
    for one in series:
        size = " x ".join(map(str, one.size))
        texts = (one.study, one.key, one.kind, size, one.description, one.guess)
        table.add_row(*(escape(readable(text)) for text in texts))
    return table


def template(listing: "Listing") -> str:
    """A list of cases in CSV with what was found; what is missing or has several candidates is empty."""
    folders = {one.key: str(one.folder or "") for one in listing.series}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    whole = all("image" in case.found for case in listing.cases)
    names = ["image"] if listing.cases and whole else list(listing.modalities)
    writer.writerow(["case", *names])
    for case in listing.cases:
        found = [case.found.get(name, ()) for name in names]
        paths = [folders.get(str(one[0]), str(one[0])) if len(one) == 1 else "" for one in found]
        writer.writerow([write_cell(cell) for cell in (case.name, *paths)])
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
