"""The report of a run: one HTML page that needs nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from iunet_med.inference.findings import Finding
from iunet_med.inference.measures import RegionMeasure


@dataclass(frozen=True)
class ReportCase:
    """One case of the report.

    Args:
        name: the case's name; any text.
        status: "failed" cases have no segmentation.
        findings: what the checks said, refusals and the error of a failed case included.
        measures: one per label; empty for a failed case.
        picture: a PNG or JPEG file to embed; None where there is none.
        seconds: wall time.
        peak_mib: peak memory in MiB.
    """

    name: str
    status: Literal["ok", "warning", "failed"]
    findings: tuple[Finding, ...]
    measures: tuple[RegionMeasure, ...]
    picture: Path | None
    seconds: float
    peak_mib: float


def write_report(
    path: str | Path, cases: Sequence[ReportCase], *, title: str, software: str, weights: str, notice: str
) -> None:
    """Write the page; it appears complete or not at all.

    Args:
        path: the HTML file.
        cases: in any order; the page can sort them.
        title: the page's heading.
        software: the program and its version.
        weights: which weights were used.
        notice: what a reader must know, such as "Research use only. Weights trained on simulated data."

    Raises:
        FileNotFoundError: a picture is missing.
    """
    raise NotImplementedError
