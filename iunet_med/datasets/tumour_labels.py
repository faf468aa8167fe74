"""The regions ET, TC and WT of brain tumours, from what a data set calls its label values."""

import re
from collections.abc import Mapping
from typing import Literal

Part = Literal["ET", "TC", "WT", "necrotic", "oedema", "RC"]

_PARTS: dict[Part, re.Pattern[str]] = {
    "RC": re.compile(r"\brc\b|resection|cavity"),
    "necrotic": re.compile(r"\bn(cr|et|etc|crnet)\b|necro|\bnon\b|nonenhanc"),
    "oedema": re.compile(r"\bed\b|edema|snfh|invaded|infiltrat"),
    "WT": re.compile(r"\bwt\b|whole"),
    "TC": re.compile(r"\btc\b|\bcore\b"),
    "ET": re.compile(r"\b(et|at|gde?)\b|enhanc|active"),
}
"""The first one that is found in a name, with its signs as spaces, says what the name means."""


def tumour_regions(labels: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]] | None:
    """Return the label values of ET, TC, WT, and of a resection cavity RC; None if the labels are no such ones.

    Args:
        labels: for each name its values, without the background: the regions, or the classes that make them up.

    >>> tumour_regions({"edema": (1,), "non-enhancing tumor": (2,), "enhancing tumour": (3,)})
    {'ET': (3,), 'TC': (2, 3), 'WT': (1, 2, 3)}
    """
    found: dict[Part, tuple[int, ...]] = {}
    for name, values in labels.items():
        part = part_of(name)
        if part is None or part in found:
            return None
        found[part] = values
    cavity = {"RC": found.pop("RC")} if "RC" in found else {}
    if found.keys() == {"ET", "TC", "WT"}:
        return {name: tuple(sorted(found[name])) for name in ("ET", "TC", "WT")} | cavity
    if found.keys() == {"ET", "necrotic", "oedema"}:
        core = tuple(sorted(found["ET"] + found["necrotic"]))
        return {"ET": found["ET"], "TC": core, "WT": tuple(sorted(core + found["oedema"]))} | cavity
    return None


def part_of(name: str) -> Part | None:
    """Return the part of a tumour that a label's name means."""
    text = re.sub(r"[\W_]+", " ", name.casefold())
    return next((part for part, pattern in _PARTS.items() if pattern.search(text)), None)
