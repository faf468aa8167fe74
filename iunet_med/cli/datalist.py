"""`iunet-med datalist`: what a data set holds and what is wrong with it, and a list to train from."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from iunet_med.cli.layout_option import LayoutOption, TrustOption, read_layout
from iunet_med.cli.terminal import clear_errors, messages, progress_bar


def datalist(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", exists=True, file_okay=False, help="The data set.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The JSON file to write.")],
    layout: LayoutOption = "auto",
    trust: TrustOption = False,
    folds: Annotated[
        int, typer.Option(min=0, help="Share the patients out to so many folds; 0 leaves the split to the training.")
    ] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the folds.")] = 0,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Write the list without the cases that have problems.")
    ] = False,
) -> None:
    """Check every file of a labelled data set, print what it holds and what is wrong, and write a list to train from.

    Files are unpacked as a whole and the values of each label map are compared with the layout's. With problems, the
    list is not written unless `--skip-bad` is given, and the exit status is 1.

    Example: `iunet-med datalist /data/BraTS2023 --out brats23.json`, then train with `--datalist brats23.json --fold 0`
    """
    with clear_errors():
        from iunet_med.datasets.cases import find_cases, warning_lines
        from iunet_med.datasets.datalist import write_datalist
        from iunet_med.datasets.folds import assign_folds
        from iunet_med.datasets.public import layout_name
        from iunet_med.datasets.survey import survey_cases
        from iunet_med.datasets.survey_tables import label_table, problem_table, survey_table

        root, chosen = folder.resolve(), read_layout(layout, folder, trust=trust)
        found, problems = find_cases(root, chosen, labelled=True)
        with progress_bar() as progress:
            looking = survey_cases(found, chosen)
            surveys = list(progress.track(looking, total=len(found), description="checking"))
        problems += [problem for survey in surveys for problem in survey.problems]
        console = Console()
        console.print(survey_table(surveys, chosen), label_table(surveys, chosen))
        good = sorted((s.case for s in surveys if not s.problems), key=lambda case: str(case["case"]))
        for line in warning_lines(surveys):
            messages.print(f"[yellow]warning[/] {escape(line)}", highlight=False, soft_wrap=True)
        if problems:
            console.print(problem_table(problems))
        if problems and not skip_bad:
            raise ValueError(f"{out} was not written; mend the problems above, or pass --skip-bad to leave these out.")
        skipped = sorted({problem.case for problem in problems})
        write_datalist(
            out,
            assign_folds(good, folds=folds, seed=seed) if folds else good,
            root=root,
            layout=chosen,
            layout_name=layout_name(chosen) or layout,
            details={"folds": folds, "seed": seed, "skipped": skipped},
        )
        messages.print(f"{len(good)} cases are listed in {escape(str(out))}.", highlight=False)
