"""`iunet-med evaluate`: predicted label maps against true ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from iunet_med.cli.layout_option import LayoutOption, TrustOption, read_layout
from iunet_med.cli.terminal import clear_errors, messages, progress_bar

if TYPE_CHECKING:
    from iunet_med.datasets import Layout
    from iunet_med.datasets.layouts import Case


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
    cases: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="Score these cases alone: names or patterns, with commas between them, or a `.txt` file with one name "
            "per line; repeatable.",
        ),
    ] = None,
    datalist: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Score the cases of this list alone, which `iunet-med datalist` wrote."),
    ] = None,
    fold: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Score this fold of the list alone, which was held out in training."),
    ] = None,
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

    All cases of the data set are scored, or those chosen by `--cases`, `--datalist` and `--fold`; each needs a
    prediction in every folder. A region that is empty in truth and prediction scores Dice and sensitivity 1 and
    distance 0, one that is empty in only one of them Dice and sensitivity 0 and distance 374 mm, the diagonal of a
    BraTS volume.

    Example: `iunet-med evaluate demo/held-out demo/trained demo/untrained --picture demo/overview.png`
    """
    folders = {folder.resolve().name: folder for folder in predictions}
    if len(folders) < len(predictions):
        raise typer.BadParameter("two folders of predictions have the same name, which heads a column; rename one.")
    if fold is not None and datalist is None:
        raise typer.BadParameter("--fold N is a fold of a list; name the list by --datalist FILE, too.")
    with clear_errors():
        from iunet_med.evaluation.scores import score_case, write_scores
        from iunet_med.evaluation.summary import summarise, write_summary
        from iunet_med.evaluation.tables import score_table, summary_table

        if layout == "auto" and datalist is None:
            layout = _layout_of_results(predictions[0]) or layout
        listed_in = str(datalist or "")
        chosen = read_layout(layout, dataset, datalist=listed_in, trust=trust)
        listed = _list_cases(dataset, chosen, folders=predictions, names=cases, datalist=listed_in, fold=fold)
        with progress_bar() as progress:
            tracked = progress.track(listed, description="comparing")
            scores = [score for case in tracked for score in score_case(case, folders, regions=chosen.regions)]
        if csv:
            write_scores(csv, scores)
        if picture:
            from iunet_med.evaluation.cases_picture import read_picture_case, write_overview

            rows = [read_picture_case(case, predictions[0]) for case in listed]
            write_overview(picture, rows, regions=chosen.regions)
        summaries = summarise(scores)
        if summary:
            write_summary(summary, summaries)
        if plot:
            from iunet_med.evaluation.metrics_picture import write_metrics_picture

            write_metrics_picture(plot, scores)
        Console().print(score_table(scores), summary_table(summaries))


def _layout_of_results(folder: Path) -> str:
    """The bundle that made the predictions, if its layout is its own and not found by the data."""
    from iunet_med.inference.results.manifest import bundle_of
    from iunet_med.shipped import shipped_bundles

    name = bundle_of(folder)
    return name if name in shipped_bundles() and name != "iunet_brats_mri" else ""


def _list_cases(
    dataset: Path,
    layout: "Layout",
    *,
    folders: Sequence[Path],
    names: Sequence[str] | None,
    datalist: str,
    fold: int | None,
) -> "list[Case]":
    """List the cases to score, after looking for their predictions; say what is left out."""
    from iunet_med.datasets.cases import check_cases, find_all
    from iunet_med.datasets.selection import choose_cases, listing, read_names
    from iunet_med.evaluation.predictions import foreign_predictions, require_predictions

    found = find_all(str(dataset), layout, datalist=datalist)
    chosen = choose_cases(found, names=read_names(names) if names else (), fold=fold)
    require_predictions(chosen.cases, folders)
    known = [str(case["case"]) for case in found.cases] + [problem.case for problem in found.problems]
    for folder in folders:
        if others := foreign_predictions(folder, known):
            _tell(f"{folder} has predictions of cases that {found.root} has not, which are left out: {listing(others)}")
    if len(chosen.cases) < len(found.cases):
        _tell(f"{len(chosen.cases)} of the {len(found.cases)} cases of {found.root} are scored.")
    return check_cases(chosen, layout)


def _tell(text: str) -> None:
    messages.print(escape(text), highlight=False, soft_wrap=True)
