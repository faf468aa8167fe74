"""The summary has one row per case and label, and one for a failed case."""

import csv
from dataclasses import replace
from pathlib import Path

from iunet_med.checks.finding import Finding
from iunet_med.checks.measures import RegionMeasure
from iunet_med.inference.results.sidecar import CaseResult
from iunet_med.inference.results.summary_csv import write_summary


def test_rows(tmp_path: Path) -> None:
    measures = (
        RegionMeasure("ET", 3, 1.5, (0, 1, 2, 3, 4, 5), 2, 1.0, True, 40.123, 41.0, 3.5),
        RegionMeasure("TC", 1, 0.0, (), 0, 0.0, False, None, None, None),
    )
    good = CaseResult("a", "warning", "", (Finding("warning", "grid", "moved"),), measures, (), 1.5, 10.0, "k", {})
    bad = replace(good, case="b", status="failed", reason="cut off", measures=())
    write_summary(tmp_path / "summary.csv", [good, bad])
    with (tmp_path / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["case"], row["status"], row["label"]) for row in rows] == [
        ("a", "warning", "ET"),
        ("a", "warning", "TC"),
        ("b", "failed", ""),
    ]
    assert (rows[0]["reason"], rows[2]["reason"]) == ("grid: moved", "cut off")
    assert (rows[0]["bounding_box"], rows[0]["volume_ml"], rows[1]["bounding_box"]) == ("0 1 2 3 4 5", "1.5", "")
    told = [[row[name] for name in ("touches_edge", "mean", "median", "deviation")] for row in rows]
    assert told == [["yes", "40.12", "41.0", "3.5"], ["no", "", "", ""], ["", "", "", ""]]
