"""`iunet-med segment`: label maps, a summary and a report of many scans."""

import json
import os
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from iunet_med.checks.severity import worst_first
from iunet_med.cli.layout_option import TrustOption
from iunet_med.cli.options import pairs
from iunet_med.cli.terminal import clear_errors, messages, progress_bar

SHOWN_WARNINGS = 20
"""More lines would push the failed cases off the screen; the report has all."""

if TYPE_CHECKING:
    from iunet_med.inference import CaseResult


def segment(
    context: typer.Context,
    given: Annotated[
        Path | None,
        typer.Argument(
            metavar="INPUT",
            help="A NIfTI, NRRD or MHA file, a folder of cases or of DICOM, or a list of cases, `*.csv` or `*.json`.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The folder of the results; with `--list`, a CSV file to write instead."),
    ] = None,
    list_only: Annotated[
        bool,
        typer.Option("--list", help="Only show what would be taken for what, and what would be refused and why."),
    ] = False,
    list_classes: Annotated[
        bool, typer.Option("--list-classes", help="Only show the bundle's classes and their label values.")
    ] = False,
    classes: Annotated[
        str, typer.Option("--classes", metavar="NAME,NAME", help="Write these classes alone, as in `liver,spleen`.")
    ] = "",
    bundle: Annotated[
        str, typer.Option(metavar="NAME", help="A bundle by the name in `iunet-med bundle`, or by its folder.")
    ] = "iunet_brats_mri",
    config: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A config to lay over the bundle's, such as a layout; repeatable."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="ID=VALUE",
            help="Set a config id, as in `--set overlap=0.25`; repeatable. A value that begins with `$` is code, and "
            "runs: type only what you understand.",
        ),
    ] = None,
    series: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="NAME=PATTERN",
            help="A modality's file or DICOM series, as in `t1c='*T1*GD*'`, any case; repeatable.",
        ),
    ] = None,
    which_series: Annotated[
        str,
        typer.Option(
            "--series",
            metavar="RULE",
            help="Of a folder of DICOM: `all` series, the `thinnest` reconstruction of each scan, or a pattern of "
            "their descriptions, as in `*soft*`.",
        ),
    ] = "all",
    allow_missing: Annotated[
        str,
        typer.Option(
            metavar="NAME,NAME",
            help="Modalities that a case may lack, as in `t1,t2`; results get worse.",
        ),
    ] = "",
    device: Annotated[
        str | None, typer.Option(help="`cpu`, `cuda`, `cuda:N` or `mps`; default: a CUDA GPU if there is one.")
    ] = None,
    probabilities: Annotated[bool, typer.Option("--probabilities", help="Write probabilities, too.")] = False,
    nrrd: Annotated[bool, typer.Option("--nrrd", help="Write label maps as NRRD, too.")] = False,
    dicom_seg: Annotated[bool, typer.Option("--dicom-seg", help="Write DICOM segmentations, too.")] = False,
    sparse_seg: Annotated[
        bool,
        typer.Option("--sparse-seg", help="Leave empty slices out of DICOM segmentations; some viewers need all."),
    ] = False,
    fast: Annotated[
        bool,
        typer.Option("--fast", help="Let windows overlap by an eighth, not a half: fewer windows, less averaging."),
    ] = False,
    whole_volume: Annotated[
        bool, typer.Option("--whole-volume", help="Run each image in one piece where memory allows it.")
    ] = False,
    resample_uneven: Annotated[
        bool,
        typer.Option("--resample-uneven", help="Bring uneven or tilted DICOM slices to an even, upright grid."),
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Cases to read ahead and to write behind, each in a thread.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Redo what is finished.")] = False,
    trust: TrustOption = False,
    keep_identifiers: Annotated[
        bool, typer.Option("--keep-identifiers", help="Name DICOM cases by their patients' numbers.")
    ] = False,
) -> None:
    """Segment scans by a bundle: a label map on each scan's own grid, a summary and a report.

    A second run does only what is new or has changed. Research use only; not for diagnosis.

    Example: `iunet-med segment scans/ --output results/`
    """
    named = {"--set": pairs(settings, "--set"), "--map": pairs(series, "--map")}
    values = {name: _value(text) for name, text in named["--set"].items()}
    if list_classes:
        _tell_classes(bundle, config or [], values, trust=trust)
        return
    if given is None:
        raise typer.BadParameter("expected INPUT, a file, a folder or a list of cases.", param_hint="INPUT")
    if list_only:
        from iunet_med.cli.listing import tell_listing, write_template
        from iunet_med.inference.intake.listing import list_inputs

        if output is not None and output.suffix.lower() != ".csv":
            raise typer.BadParameter(f"--list: expected an --output that ends in .csv, or none, got {output}.")
        with clear_errors(status=2):
            listing = list_inputs(
                given,
                bundle=bundle,
                configs=config or [],
                settings=values,
                series=named["--map"],
                allow_missing=_names(allow_missing),
                which_series=which_series,
                trust=trust,
            )
            if output is not None:
                write_template(output, listing)
        tell_listing(listing)
        raise typer.Exit(0 if listing.is_complete else 1)
    if output is None:
        raise typer.BadParameter("expected --output FOLDER for the results, or --list to see what would be done.")
    from iunet_med.inference import Options
    from iunet_med.inference import segment as run

    options = {field.name: context.params[field.name] for field in fields(Options) if field.name in context.params}
    options |= {"configs": config or [], "settings": values, "series": named["--map"]}
    options |= {"classes": _names(classes), "allow_missing": _names(allow_missing)}
    progress = progress_bar()
    task = progress.add_task("segmenting", total=None)

    def start(total: int) -> None:
        progress.reset(task, total=total)  # the time left is that of the cases
        progress.start()

    try:
        with clear_errors(status=2):
            results = run(given, on_start=start, on_case=lambda _result: progress.advance(task), **options)
    finally:
        progress.stop()
    if int(os.environ.get("RANK", 0)) > 0:  # under torchrun every process has all results, and the first one tells them
        return
    tell_results(results, output)
    raise typer.Exit(1 if any(result.status == "failed" for result in results) else 0)


def _tell_classes(bundle: str, configs: Sequence[Path], settings: dict[str, Any], *, trust: bool) -> None:
    with clear_errors(status=2):
        from iunet_med.inference.bundle import open_layout
        from iunet_med.inference.classes import class_rows
        from iunet_med.shipped import bundle_folder

        layout = open_layout(bundle_folder(bundle), configs=configs, settings=settings, trust=trust)
    table = Table(title=f"Classes of {bundle}", box=SIMPLE)
    for column in ("class", "label value", "made of the values"):
        table.add_column(column)
    for row in class_rows(layout):
        table.add_row(*row)
    Console().print(table)


def tell_results(results: Sequence["CaseResult"], output: Path) -> None:
    """Print the failed cases, then those with warnings, each with its worst finding, and the counts."""
    failed, warned = ([result for result in results if result.status == status] for status in ("failed", "warning"))
    for result in failed:
        _print(f"[red]failed[/] {escape(result.case)}: {escape(result.reason)}")
    for result in warned[:SHOWN_WARNINGS]:
        more = f" (and {len(result.findings) - 1} more)" if len(result.findings) > 1 else ""
        worst = worst_first(result.findings)[0]
        _print(f"[yellow]warning[/] {escape(result.case)}: {escape(f'{worst.check}: {worst.message}{more}')}")
    if len(warned) > SHOWN_WARNINGS:
        _print(f"[yellow]warning[/] {len(warned) - SHOWN_WARNINGS} more cases, see the report")
    counts = (("failed", len(failed)), ("warning", len(warned)), ("ok", len(results) - len(failed) - len(warned)))
    told = ", ".join(f"{count} {status}" for status, count in counts)
    _print(f"{len(results)} cases: {told}; see {escape(str(output / 'report.html'))}")


def _print(text: str) -> None:
    messages.print(text, highlight=False, soft_wrap=True)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _value(text: str) -> Any:
    """A value in JSON, or a text as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text
