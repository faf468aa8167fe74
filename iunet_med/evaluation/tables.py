"""Scores and their summary as tables for the screen."""

from collections.abc import Iterable, Sequence
from statistics import mean

from rich.markup import escape
from rich.table import Table

from iunet_med.evaluation.scores import Score
from iunet_med.evaluation.summary import METRICS, Summary
from iunet_med.files import readable


def score_table(scores: Sequence[Score]) -> Table:
    """One row per case and one for the mean, one column per prediction with the regions beside each other in it."""
    cases, predictions, regions = (
        list(dict.fromkeys(getattr(score, field) for score in scores)) for field in ("case", "prediction", "region")
    )
    dice = {(score.case, score.prediction, score.region): score.dice for score in scores}
    widths = [max(len(region), 5) for region in regions]
    heads = "  ".join(f"{region:>{width}}" for region, width in zip(regions, widths, strict=True))

    def cell(values: Iterable[float]) -> str:
        return "  ".join(f"{value:{width}.3f}" for value, width in zip(values, widths, strict=True))

    table = Table(title="Dice (1 is perfect; a region that both maps lack counts 1)", show_footer=True)
    table.add_column("case", footer="mean", no_wrap=True)
    for prediction in predictions:
        means = cell(mean(dice[case, prediction, region] for case in cases) for region in regions)
        table.add_column(f"{escape(readable(prediction))}\n{escape(heads)}", footer=means, no_wrap=True)
    for case in cases:
        table.add_row(
            escape(readable(case)),
            *(cell(dice[case, prediction, region] for region in regions) for prediction in predictions),
        )
    return table


def summary_table(summaries: Sequence[Summary]) -> Table:
    """One row per summary; a line parts the regions."""
    table = Table(title=f"Cases: {summaries[0].cases}")
    for column in ("prediction", "region", "metric"):
        table.add_column(column)
    for column in ("mean", "median", "worst"):
        table.add_column(column, justify="right", no_wrap=True)
    for summary in summaries:
        digits = 1 if summary.metric == "hd95_mm" else 3
        numbers = (f"{value:.{digits}f}" for value in (summary.mean, summary.median, summary.worst))
        names = (escape(readable(text)) for text in (summary.prediction, summary.region, summary.metric))
        table.add_row(*names, *numbers, end_section=summary.metric == METRICS[-1])
    return table
