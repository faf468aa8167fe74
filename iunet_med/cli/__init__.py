"""The command line: parses, calls, prints. One file per command, which imports what it needs itself.

monai takes seconds to load, and help shall not wait for it.
"""

import logging
import warnings
from typing import Annotated

import typer

from iunet_med import __version__
from iunet_med.cli import bundle, datalist, evaluate, export, familiarity, monai_label, plan, segment, simulate
from iunet_med.cli.allocator import keep_freed_memory

app = typer.Typer(
    name="iunet-med",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Invertible U-Nets for medical images: data sets, segmentations and their scores.\n\n"
    "Training is a MONAI bundle: `iunet-med bundle iunet_brats_mri` copies it, then "
    "`python -m monai.bundle run --config_file bundle/iunet_brats_mri/configs/train.json --dataset_dir FOLDER`.",
)
COMMANDS = (
    bundle.bundle,
    simulate.simulate,
    datalist.datalist,
    plan.plan,
    segment.segment,
    evaluate.evaluate,
    monai_label.monai_label,
    export.export,
    familiarity.familiarity,
)
for command in COMMANDS:
    app.command()(command)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"iunet-med {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Invertible U-Nets for medical images: data sets, segmentations and their scores."""


def main() -> None:
    """Run the command line."""
    # MONAI tells of a decoder that nobody asked for, whenever it is imported.
    warnings.filterwarnings("ignore", message="NvImgCodecPydicomReader", category=UserWarning)
    logging.getLogger("monai.data.nvimgcodec_pydicom_plugin").setLevel(logging.ERROR)
    keep_freed_memory()
    app()
