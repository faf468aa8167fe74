"""`iunet-med familiarity`: tells a bundle what the images of its training look like."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from iunet_med.cli.layout_option import TrustOption
from iunet_med.cli.options import pairs
from iunet_med.cli.terminal import clear_errors, messages, progress_bar


def familiarity(
    given: Annotated[
        Path, typer.Argument(metavar="INPUT", help="The training images: a folder or list, as `segment` takes them.")
    ],
    bundle: Annotated[
        str, typer.Option(metavar="NAME", help="A bundle by the name in `iunet-med bundle`, or by its folder.")
    ] = "iunet_brats_mri",
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", exists=True, help="The weights, if not those of the bundle.")
    ] = None,
    series: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="NAME=PATTERN", help="A modality's files, as for `segment`; repeatable."),
    ] = None,
    trust: TrustOption = False,
) -> None:
    """Measure the training images by the network's features, and keep that beside the weights.

    `segment` then writes for each case how familiar it is, and warns of those unlike the training images.

    Example: `iunet-med familiarity /data/BraTS2023 --bundle iunet_brats_mri`
    """
    settings: dict[str, Any] = {"checkpoint": str(checkpoint)} if checkpoint else {}
    with clear_errors():
        from iunet_med.inference.learn_familiarity import learn_familiarity

        with progress_bar() as progress:
            task = progress.add_task("measuring", total=None)
            path, problems, count = learn_familiarity(
                given,
                bundle,
                settings=settings,
                series=pairs(series, "--map"),
                trust=trust,
                on_start=lambda total: progress.reset(task, total=total),
                on_case=lambda: progress.advance(task),
            )
    for name, problem in problems.items():
        messages.print(f"[yellow]left out[/] {escape(name)}: {escape(problem)}", highlight=False, soft_wrap=True)
    messages.print(
        f"{escape(str(path))} tells what {count} training images look like.", highlight=False, soft_wrap=True
    )
