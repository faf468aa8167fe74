"""Metrics per case, prediction and region: computed, written as CSV, and their Dice shown as a table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

from rich.markup import escape
from rich.table import Table

from iunet_med.csv_rows import write_rows
from iunet_med.datasets.layouts import Case
from iunet_med.evaluation.dice import Regions
from iunet_med.evaluation.metrics import region_metrics
from iunet_med.evaluation.predictions import find_prediction
from iunet_med.evaluation.volumes import read_label_maps, spacing_in_ras
from iunet_med.files import readable


@dataclass(frozen=True)
class Score:
    """The metrics of one region of one case in one folder of predictions."""

    case: str
    prediction: str
    region: str
    dice: float
    sensitivity: float
    specificity: float
    hd95_mm: float


def score_case(case: Case, folders: Mapping[str, Path], *, regions: Regions) -> list[Score]:
    """Compare the predictions of one case, from folders by name, with its label; regions in the order of `regions`.

    Raises:
        FileNotFoundError: a folder has no prediction of this case.
        ValueError: a file is no image, or lies on another grid than the label; or a folder has several predictions.
    """
    paths = {name: find_prediction(folder, case) for name, folder in folders.items()}
    maps = read_label_maps(Path(case["label"]), paths, case=case["case"])
    spacing = spacing_in_ras(case["label"])
    return [
        Score(case["case"], name, region, **asdict(metrics))
        for name in folders
        for region, metrics in region_metrics(maps[name], maps["truth"], regions=regions, spacing_mm=spacing).items()
    ]


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


def write_scores(path: Path, scores: Sequence[Score]) -> None:
    """Write CSV with one row per score and its fields as columns."""
    write_rows(path, scores, row_type=Score)
