"""Writes what is about a whole run: its table and its page."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from iunet_med.inference.bundle import Bundle
from iunet_med.inference.page.page import ReportCase, write_report
from iunet_med.inference.results.sidecar import CaseResult, sidecar_path
from iunet_med.inference.results.summary_csv import write_summary


def write_overview(output: Path, results: Sequence[CaseResult], bundle: Bundle) -> None:
    """Write summary.csv and report.html to the folder of the results."""
    write_summary(output / "summary.csv", results)
    cases = [
        ReportCase(
            name=result.case,
            status=result.status,
            findings=result.findings,
            measures=result.measures,
            picture=output / result.case / picture if (picture := f"{result.case}_seg.png") in result.files else None,
            seconds=result.seconds,
            peak_mib=result.peak_mib,
            familiarity=result.familiarity,
            files=_existing(output / result.case, (*result.files, sidecar_path(output, result.case).name)),
        )
        for result in results
    ]
    write_report(
        output / "report.html",
        cases,
        title="Segmentations",
        software=f"iunet-med {version('iunet-med')}",
        weights=f"{bundle.name} {bundle.version}, SHA-256 {bundle.weights_sha256[:16]}",
        notice=bundle.notice,
    )


def _existing(folder: Path, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if (folder / name).is_file())
