"""The table of a run: one row per case and label."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iunet_med.csv_rows import write_rows
from iunet_med.inference.results.sidecar import CaseResult, Status


@dataclass(frozen=True)
class SummaryRow:
    """One label of one case; a failed case has one row without a label.

    `bounding_box` is "i0 i1 j0 j1 k0 k1" in voxels of the input, ends exclusive; a region's volume includes those of
    the regions in it. `familiarity` is the percentage of training images that are as unusual as this one.
    """

    case: str
    status: Status
    reason: str
    label: str
    value: int | str
    volume_ml: float | str
    bounding_box: str
    components: int | str
    largest_ml: float | str
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
    familiarity = "" if result.familiarity is None else round(result.familiarity, 1)
    run = round(result.seconds, 2), round(result.peak_mib, 1), familiarity
    if not result.measures:
        return [SummaryRow(result.case, result.status, reason, "", "", "", "", "", "", *run)]
    return [
        SummaryRow(
            result.case,
            result.status,
            reason,
            measure.name,
            measure.value,
            round(measure.volume_ml, 6),
            " ".join(map(str, measure.bounding_box)),
            measure.components,
            round(measure.largest_ml, 6),
            *run,
        )
        for measure in result.measures
    ]
