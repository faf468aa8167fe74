"""The table of a run: one row per case and label."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iunet_med.csv_rows import write_rows
from iunet_med.inference.results.sidecar import CaseResult, Status


@dataclass(frozen=True, kw_only=True)
class SummaryRow:
    """One label of one case; a failed case has one row without a label.

    `bounding_box` is "i0 i1 j0 j1 k0 k1" in voxels of the input, ends exclusive; a region's volume includes those of
    the regions in it. `touches_edge`: whether a label reaches the image's edge. `mean`, `median` and `deviation` are of
    the HU in it, for CT. `familiarity` is the percentage of training images that are as unusual as this one.
    """

    case: str
    status: Status
    reason: str
    label: str = ""
    value: int | str = ""
    volume_ml: float | str = ""
    bounding_box: str = ""
    components: int | str = ""
    largest_ml: float | str = ""
    touches_edge: str = ""
    mean: float | str = ""
    median: float | str = ""
    deviation: float | str = ""
    seconds: float
    peak_mib: float
    familiarity: float | str


@dataclass(frozen=True)
class LeftOutRow:
    """A file in a folder of DICOM that was not used: its path below the folder, and why."""

    file: str
    reason: str


def write_summary(path: Path, results: Sequence[CaseResult]) -> None:
    """Write the table as CSV."""
    write_rows(path, [row for result in results for row in _rows(result)], row_type=SummaryRow)


def _rows(result: CaseResult) -> list[SummaryRow]:
    reason = result.reason or "; ".join(f"{finding.check}: {finding.message}" for finding in result.findings)
    run: dict[str, Any] = {
        "case": result.case,
        "status": result.status,
        "reason": reason,
        "seconds": round(result.seconds, 2),
        "peak_mib": round(result.peak_mib, 1),
        "familiarity": _rounded(result.familiarity, 1),
    }
    if not result.measures:
        return [SummaryRow(**run)]
    return [
        SummaryRow(
            **run,
            label=measure.name,
            value=measure.value,
            volume_ml=round(measure.volume_ml, 6),
            bounding_box=" ".join(map(str, measure.bounding_box)),
            components=measure.components,
            largest_ml=round(measure.largest_ml, 6),
            touches_edge="yes" if measure.touches_edge else "no",
            mean=_rounded(measure.mean, 2),
            median=_rounded(measure.median, 2),
            deviation=_rounded(measure.deviation, 2),
        )
        for measure in result.measures
    ]


def _rounded(number: float | None, digits: int) -> float | str:
    return "" if number is None else round(number, digits)
