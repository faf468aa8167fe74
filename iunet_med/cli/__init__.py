"""The command line: parses, calls, prints. One file per command, which imports what it needs itself.

monai takes seconds to load, and help shall not wait for it.
"""

import logging
import warnings

import typer

from iunet_med.cli import datalist, evaluate, export, segment, simulate

app = typer.Typer(
    name="iunet-med",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Invertible U-Nets for medical images: data sets, segmentations and their scores.\n\n"
    "Training is a MONAI bundle: "
    "`python -m monai.bundle run --config_file bundle/iunet_brats_mri/configs/train.json --dataset_dir FOLDER`.",
)
for command in (simulate.simulate, datalist.datalist, segment.segment, evaluate.evaluate, export.export):
    app.command()(command)


def main() -> None:
    """Run the command line."""
    # MONAI tells of a decoder that nobody asked for, whenever it is imported.
    warnings.filterwarnings("ignore", message="NvImgCodecPydicomReader", category=UserWarning)
    logging.getLogger("monai.data.nvimgcodec_pydicom_plugin").setLevel(logging.ERROR)
    app()
