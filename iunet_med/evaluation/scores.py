"""Metrics per case, prediction and region: computed, and written as CSV."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from iunet_med.csv_rows import write_rows
from iunet_med.datasets.layouts import Case, Regions
from iunet_med.evaluation.metrics import region_metrics
from iunet_med.evaluation.predictions import find_prediction
from iunet_med.evaluation.volumes import label_file, read_label_maps, spacing_in_ras


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
    maps = read_label_maps(case, paths, case=case["case"])
    spacing = spacing_in_ras(label_file(case))
    return [
        Score(case["case"], name, region, **asdict(metrics))
        for name in folders
        for region, metrics in region_metrics(maps[name], maps["truth"], regions=regions, spacing_mm=spacing).items()
    ]


def write_scores(path: Path, scores: Sequence[Score]) -> None:
    """Write CSV with one row per score and its fields as columns."""
    write_rows(path, scores, row_type=Score)
