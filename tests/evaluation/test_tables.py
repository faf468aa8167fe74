"""Tables show the scores, their means and their summary."""

from rich.console import Console

from iunet_med.evaluation.scores import Score
from iunet_med.evaluation.summary import summarise
from iunet_med.evaluation.tables import score_table, summary_table

SCORES = [
    Score("a", "trained", "ET", 0.5, 1.0, 1.0, 2.0),
    Score("a", "trained", "WT", 0.75, 1.0, 1.0, 2.0),
    Score("b", "trained", "ET", 1.0, 1.0, 1.0, 2.0),
    Score("b", "trained", "WT", 0.25, 1.0, 1.0, 2.0),
    *(Score(case, "untrained", region, 0.0, 0.0, 1.0, 374.0) for case in "ab" for region in ("ET", "WT")),
]


def test_table_shows_each_score_and_the_mean() -> None:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(score_table(SCORES))
    rows = [line.split() for line in capture.get().replace("┃", " ").replace("│", " ").splitlines()]
    assert ["a", "0.500", "0.750", "0.000", "0.000"] in rows
    assert ["b", "1.000", "0.250", "0.000", "0.000"] in rows
    assert ["mean", "0.750", "0.500", "0.000", "0.000"] in rows
    assert ["trained", "untrained"] in rows
    assert ["case", "ET", "WT", "ET", "WT"] in rows


def test_the_summary_shows_mean_median_and_worst() -> None:
    scores = [
        Score("a", "net", "WT", 0.5, 0.25, 1.0, 4.0),
        Score("b", "net", "WT", 0.75, 1.0, 0.5, 0.0),
        Score("c", "net", "WT", 1.0, 1.0, 0.75, 374.0),
    ]
    console = Console(width=80)
    with console.capture() as capture:
        console.print(summary_table(summarise(scores)))
    rows = [line.replace("│", " ").split() for line in capture.get().splitlines()]
    assert ["net", "WT", "dice", "0.750", "0.750", "0.500"] in rows
    assert ["net", "WT", "hd95_mm", "126.0", "4.0", "374.0"] in rows
