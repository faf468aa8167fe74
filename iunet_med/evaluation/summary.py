"""Mean, median and worst of each metric over the cases: computed, and written as CSV."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import mean, median

from iunet_med.csv_rows import write_rows
from iunet_med.evaluation.metrics import Metrics
from iunet_med.evaluation.scores import Score

METRICS = tuple(field.name for field in fields(Metrics))


@dataclass(frozen=True)
class Summary:
    """One metric of one region over all cases; the worst is the largest distance, otherwise the smallest value."""

    prediction: str
    region: str
    metric: str
    cases: int
    mean: float
    median: float
    worst: float
    worst_case: str


def summarise(scores: Sequence[Score]) -> list[Summary]:
    """One summary per prediction, region and metric, in the order of the scores."""
    groups: dict[tuple[str, str], list[Score]] = {}
    for score in scores:
        groups.setdefault((score.prediction, score.region), []).append(score)
    return [_summary(group, metric) for group in groups.values() for metric in METRICS]


def _summary(group: Sequence[Score], metric: str) -> Summary:
    values = {score.case: float(getattr(score, metric)) for score in group}
    choose = max if metric == "hd95_mm" else min
    case = choose(values, key=lambda name: values[name])
    numbers = list(values.values())
    return Summary(
        group[0].prediction,
        group[0].region,
        metric,
        len(values),
        mean(numbers),
        median(numbers),
        values[case],
        case,
    )


def write_summary(path: Path, summaries: Sequence[Summary]) -> None:
    """Write CSV with one row per summary."""
    write_rows(path, summaries, row_type=Summary)
