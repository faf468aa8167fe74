"""An ignite handler that scores the written segmentations against the label files when the run is over."""

from collections.abc import Sequence
from pathlib import Path

import ignite.distributed as idist
from ignite.engine import Engine, Events

from iunet_med.datasets.layouts import Case, Regions
from iunet_med.evaluation.metrics_picture import write_metrics_picture
from iunet_med.evaluation.scores import score_case, write_scores
from iunet_med.evaluation.summary import summarise, write_summary


class EvaluationReport:
    """Writes `metrics.csv`, `summary.csv` and `metrics.png` to the folder of the segmentations; prints the summary.

    Both maps are read from their files, so the comparison is on the label's own grid, and a segmentation on another
    grid is refused.

    Args:
        cases: the labelled cases that were segmented.
        output_dir: where the segmentations are, and where the files go.
        regions: name -> label values.
    """

    def __init__(self, cases: Sequence[Case], *, output_dir: str, regions: Regions) -> None:
        self.cases = cases
        self.output_dir = Path(output_dir)
        self.regions = regions

    def attach(self, engine: Engine) -> None:
        """Report when the engine's run is completed."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Score, write and print, in the first process once all have written."""
        from rich.console import Console  # not needed where a config is only read, as MONAI Label does

        from iunet_med.evaluation.tables import summary_table

        idist.barrier()
        if idist.get_rank() > 0:
            return
        folders = {"bundle": self.output_dir}
        scores = [score for case in self.cases for score in score_case(case, folders, regions=self.regions)]
        summaries = summarise(scores)
        write_scores(self.output_dir / "metrics.csv", scores)
        write_summary(self.output_dir / "summary.csv", summaries)
        write_metrics_picture(self.output_dir / "metrics.png", scores)
        Console().print(summary_table(summaries))
