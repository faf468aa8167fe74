"""Summaries are known numbers, and the worst distance is the largest one."""

import csv
from pathlib import Path

from iunet_med.evaluation.scores import Score
from iunet_med.evaluation.summary import Summary, summarise, write_summary

SCORES = [
    Score("a", "net", "WT", 0.5, 0.25, 1.0, 4.0),
    Score("b", "net", "WT", 0.75, 1.0, 0.5, 0.0),
    Score("c", "net", "WT", 1.0, 1.0, 0.75, 374.0),
]


def test_mean_median_and_worst() -> None:
    assert summarise(SCORES) == [
        Summary("net", "WT", "dice", 3, 0.75, 0.75, 0.5, "a"),
        Summary("net", "WT", "sensitivity", 3, 0.75, 1.0, 0.25, "a"),
        Summary("net", "WT", "specificity", 3, 0.75, 0.75, 0.5, "b"),
        Summary("net", "WT", "hd95_mm", 3, 126.0, 4.0, 374.0, "c"),
    ]


def test_the_file_holds_them(tmp_path: Path) -> None:
    write_summary(tmp_path / "summary.csv", summarise(SCORES))
    with (tmp_path / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert (rows[3]["metric"], rows[3]["worst"], rows[3]["worst_case"]) == ("hd95_mm", "374.0", "c")
