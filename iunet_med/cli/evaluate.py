"""`iunet-med evaluate`: predicted label maps against true ones."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from iunet_med.cli.layout_option import LayoutOption, TrustOption, read_layout
from iunet_med.cli.terminal import clear_errors, progress_bar


def evaluate(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="The folder of images and true label maps.")],
    predictions: Annotated[
        list[Path],
        typer.Argument(
            metavar="PREDICTIONS...",
            help="Folders of predicted label maps, CASE_seg.nii.gz or CASE.nii.gz, there or in a folder CASE. Several "
            "are shown side by side.",
        ),
    ],
    layout: LayoutOption = "auto",
    trust: TrustOption = False,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the scores to this CSV file, too.")] = None,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw truth and the first folder's predictions to this PNG file, too."),
    ] = None,
    summary: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write mean, median and worst of each metric to this CSV file, too."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw all scores as boxes and points to this PNG file, too.")
    ] = None,
) -> None:
    """Compare predicted label maps with the true ones: Dice, sensitivity, specificity and 95 % Hausdorff distance.

    A region that is empty in truth and prediction scores Dice and sensitivity 1 and distance 0, one that is empty in
    only one of them Dice and sensitivity 0 and distance 374 mm, the diagonal of a BraTS volume.

    Example: `iunet-med evaluate demo/held-out demo/trained demo/untrained --picture demo/overview.png`
    """
    folders = {folder.resolve().name: folder for folder in predictions}
    if len(folders) < len(predictions):
        raise typer.BadParameter("two folders of predictions have the same name, which heads a column; rename one.")
    with clear_errors():
        from iunet_med.data import list_cases
        from iunet_med.evaluation.scores import score_case, score_table, write_scores
        from iunet_med.evaluation.summary import summarise, summary_table, write_summary

        chosen = read_layout(layout, dataset, trust=trust)
        listed = list_cases(str(dataset), chosen)
        with progress_bar() as progress:
            tracked = progress.track(listed, description="comparing")
            scores = [score for case in tracked for score in score_case(case, folders, regions=chosen.regions)]
        if csv:
            write_scores(csv, scores)
        if picture:
            from iunet_med.evaluation.overview import read_picture_case, write_overview

            rows = [read_picture_case(case, predictions[0]) for case in listed]
            write_overview(picture, rows, regions=chosen.regions)
        summaries = summarise(scores)
        if summary:
            write_summary(summary, summaries)
        if plot:
            from iunet_med.evaluation.metrics_picture import write_metrics_picture

            write_metrics_picture(plot, scores)
        Console().print(score_table(scores), summary_table(summaries))
