"""The command line: parses, calls, prints."""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from iunet_med.data import Layout

# Commands import what they need themselves: monai takes seconds, and help shall not wait for it.
app = typer.Typer(
    name="iunet-med",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Make data to try invertible U-Nets on, and compare label maps.\n\n"
    "Training and segmenting are MONAI bundles: "
    "`python -m monai.bundle run --config_file bundle/iunet_brats_mri/configs/train.json --dataset_dir FOLDER`.",
)
messages = Console(stderr=True)


class SimulatedLayout(str, Enum):
    """Layouts that the simulator writes."""

    BRATS18 = "brats18"
    BRATS19 = "brats19"
    BRATS20 = "brats20"
    BRATS21 = "brats21"
    BRATS23 = "brats23"
    MSD = "msd"


LAYOUT_HELP = (
    "What the folder looks like: `auto` (found by its content), `brats18` (2018 to 2021), `brats23` (2023 and later), "
    "`brats24` (with resection cavities), `msd`, or a JSON config with an id `layout`, as in "
    "configs/four_modalities_lesion.json."
)
LayoutOption = Annotated[str, typer.Option(metavar="NAME|FILE", help=LAYOUT_HELP)]


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write to; it is made if need be.")],
    cases: Annotated[int, typer.Option(min=1, help="How many patients.")] = 8,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the first patient, and 1 more for each one after. It makes the patient.")
    ] = 0,
    layout: Annotated[
        SimulatedLayout,
        typer.Option(
            help="`brats18` to `brats23`: folders as of that year's challenge. `msd`: dataset.json, 4D files."
        ),
    ] = SimulatedLayout.BRATS23,
    spacing: Annotated[float, typer.Option(min=1, max=4, help="Edge of the cubic voxels in mm.")] = 2.0,
) -> None:
    """Write simulated brain MRI (t1, t1c, t2, flair) with tumours and their label maps.

    The brains are deformations of the MNI152 template, the tumours are drawn by chance: data to try software on, not to
    learn about patients. Needs the extra `demo`.

    Example: `iunet-med simulate demo/train --cases 8`
    """
    with _clear_errors(), _progress() as progress:
        from iunet_med.data.simulation import simulate_cases, write_brats, write_msd

        patients = simulate_cases(range(seed, seed + cases), spacing_mm=spacing)
        tracked = progress.track(patients, total=cases, description="simulating")
        if layout is SimulatedLayout.MSD:
            write_msd(out, tracked)
        else:
            write_brats(out, tracked, start=seed, year=int(layout.value.removeprefix("brats")))


@app.command()
def datalist(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", exists=True, file_okay=False, help="The data set.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The JSON file to write.")],
    layout: LayoutOption = "auto",
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
    with _clear_errors():
        from iunet_med.data.cases import find_cases
        from iunet_med.data.datalist import write_datalist
        from iunet_med.data.folds import assign_folds
        from iunet_med.data.public import layout_name
        from iunet_med.data.survey import survey_cases
        from iunet_med.data.survey_tables import label_table, problem_table, survey_table

        root, chosen = folder.resolve(), _read_layout(layout, folder)
        found, problems = find_cases(root, chosen, labelled=True)
        with _progress() as progress:
            looking = survey_cases(found, chosen)
            surveys = list(progress.track(looking, total=len(found), description="checking"))
        problems += [problem for survey in surveys for problem in survey.problems]
        console = Console()
        console.print(survey_table(surveys, chosen), label_table(surveys, chosen))
        good = sorted((s.case for s in surveys if not s.problems), key=lambda case: str(case["case"]))
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


@app.command()
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
    with _clear_errors():
        from iunet_med.data import list_cases
        from iunet_med.evaluation.scores import score_case, score_table, write_scores
        from iunet_med.evaluation.summary import summarise, summary_table, write_summary

        chosen = _read_layout(layout, dataset)
        listed = list_cases(str(dataset), chosen)
        with _progress() as progress:
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


@app.command()
def export(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="`*.ts` for TorchScript, `*.onnx` for ONNX.")],
    bundle: Annotated[Path, typer.Option(metavar="FOLDER", exists=True, file_okay=False, help="The bundle.")],
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", exists=True, help="The weights, if not those of the bundle.")
    ] = None,
    size: Annotated[
        tuple[int, int, int],
        typer.Option(metavar="D H W", min=1, help="Image to compare with; the only size that an ONNX file takes."),
    ] = (128, 128, 128),
) -> None:
    """Export a bundle's network with its weights, and compare the file's results with the network's.

    The file appears only if both agree. MONAI's verbs `ckpt_export` and `onnx_export` do the export. ONNX needs the
    extra `onnx`.

    Example: `iunet-med export model.ts --bundle bundle/iunet_brats_mri`
    """
    with _clear_errors():
        from iunet_med.inference.export import export_network

        difference = export_network(out, bundle, size=size, checkpoint=checkpoint)
        messages.print(f"{escape(str(out))} computes the same to {difference:.1g}.", highlight=False)


@app.command()
def segment(
    given: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="A NIfTI, NRRD or MHA file, a folder of cases or of DICOM, or a list of cases, `*.csv` or `*.json`.",
        ),
    ],
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="The folder of the results.")],
    bundle: Annotated[Path, typer.Option(metavar="FOLDER", help="The bundle.")] = Path("bundle/iunet_brats_mri"),
    config: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A config to lay over the bundle's; repeatable.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="ID=VALUE", help="Set a config id, as in `--set overlap=0.25`; repeatable."),
    ] = None,
    series: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="NAME=PATTERN", help="A modality's DICOM series, as in `t1c='*T1*GD*'`; repeatable."
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="`cpu`, `cuda` or `cuda:1`; default: a GPU if there is one.")
    ] = None,
    probabilities: Annotated[bool, typer.Option("--probabilities", help="Write probabilities, too.")] = False,
    nrrd: Annotated[bool, typer.Option("--nrrd", help="Write label maps as NRRD, too.")] = False,
    dicom_seg: Annotated[bool, typer.Option("--dicom-seg", help="Write DICOM segmentations, too.")] = False,
    whole_volume: Annotated[
        bool, typer.Option("--whole-volume", help="Run each image in one piece where memory allows it.")
    ] = False,
    resample_uneven: Annotated[
        bool,
        typer.Option("--resample-uneven", help="Bring unevenly spaced DICOM slices to an even grid, with a warning."),
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Cases to read ahead and to write behind, each in a thread.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Redo what is finished.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Run configs of others; they can run any code.")] = False,
    keep_identifiers: Annotated[
        bool, typer.Option("--keep-identifiers", help="Name DICOM cases by their patients' numbers.")
    ] = False,
) -> None:
    """Segment scans by a bundle: a label map on each scan's own grid, a summary and a report.

    A second run does only what is new or has changed. Research use only; not for diagnosis.

    Example: `iunet-med segment scans/ --output results/`
    """
    from iunet_med.inference import segment as run

    named = {"--set": _pairs(settings, "--set"), "--map": _pairs(series, "--map")}
    with _progress() as progress:
        task = progress.add_task("segmenting", total=None)
        try:
            results = run(
                given,
                output=output,
                bundle=bundle,
                configs=config or [],
                settings={name: _value(text) for name, text in named["--set"].items()},
                series=named["--map"],
                device=device,
                probabilities=probabilities,
                nrrd=nrrd,
                dicom_seg=dicom_seg,
                whole_volume=whole_volume,
                resample_uneven=resample_uneven,
                jobs=jobs,
                overwrite=overwrite,
                trust=trust,
                keep_identifiers=keep_identifiers,
                on_case=lambda _result, total: progress.update(task, total=total, advance=1),
            )
        except (ValueError, OSError, ImportError) as error:
            progress.stop()
            messages.print(f"[bold red]Error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
            raise typer.Exit(2) from error
    failed = [result for result in results if result.status == "failed"]
    for result in failed:
        messages.print(
            f"[red]failed[/] {escape(result.case)}: {escape(result.reason)}", highlight=False, soft_wrap=True
        )
    counts = ", ".join(
        f"{sum(result.status == status for result in results)} {status}" for status in ("ok", "warning", "failed")
    )
    messages.print(f"{len(results)} cases: {counts}; see {escape(str(output / 'report.html'))}", soft_wrap=True)
    raise typer.Exit(1 if failed else 0)


def main() -> None:
    """Run the command line."""
    # MONAI tells of a decoder that nobody asked for, whenever it is imported.
    warnings.filterwarnings("ignore", message="NvImgCodecPydicomReader", category=UserWarning)
    logging.getLogger("monai.data.nvimgcodec_pydicom_plugin").setLevel(logging.ERROR)
    app()


def _pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts or []]
    if wrong := [name for name, sign, value in pairs if not (name and sign and value)]:
        raise typer.BadParameter(f"{option} {wrong[0]} came; needed: {option} NAME=VALUE.")
    return {name: value for name, _, value in pairs}


def _value(text: str) -> Any:
    """A value in JSON, or a text as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _read_layout(text: str, folder: Path) -> "Layout":
    from monai.bundle import ConfigParser

    from iunet_med.data.detect import find_layout
    from iunet_med.data.public import LayoutName

    if not text.endswith(".json"):
        return find_layout(cast(LayoutName, text), dataset_dir=str(folder))
    config = ConfigParser.load_config_file(text)
    if "layout" not in config:
        raise ValueError(f"{text} has no id `layout`; give a config that has one, or the name of a layout.")
    return cast("Layout", ConfigParser(config).get_parsed_content("layout"))


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Print what the library says about bad input, without a traceback, and exit with 1."""
    try:
        yield
    except (ValueError, OSError) as error:
        problem = str(error)
    except ImportError as error:
        problem = f"{error}; pip install 'iunet-med[demo]' brings what this command needs."
    else:
        return
    messages.print(f"[bold red]Error:[/] {escape(problem)}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=messages)
