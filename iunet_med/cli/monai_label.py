"""`iunet-med monai-label`: an app for MONAI Label, and the line that starts its server."""

import importlib.util
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from iunet_med.cli.layout_option import TrustOption
from iunet_med.cli.options import pairs
from iunet_med.cli.terminal import clear_errors, messages


def monai_label(
    studies: Annotated[
        str,
        typer.Argument(
            metavar="STUDIES",
            help="A folder of cases or a list of them, as `segment` takes them, or the address of a DICOMweb server.",
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="APP", help="The app's folder; one written before is brought up to date.")
    ],
    bundle: Annotated[
        str, typer.Option(metavar="NAME", help="A bundle by the name in `iunet-med bundle`, or by its folder.")
    ] = "iunet_brats_mri",
    series: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="NAME=PATTERN",
            help="A modality's file, or the description of its DICOM series, as in `t1c='*T1*GD*'`; repeatable.",
        ),
    ] = None,
    show: Annotated[
        str | None,
        typer.Option(metavar="MODALITY", help="What viewers open as the patient's image; default: the first one."),
    ] = None,
    start: Annotated[bool, typer.Option("--start", help="Start the server.")] = False,
    host: Annotated[
        str, typer.Option(help="Where the server listens; 0.0.0.0 lets in all computers around.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The server's port.")] = 8000,
    trust: TrustOption = False,
) -> None:
    """Write an app for MONAI Label: 3D Slicer and OHIF segment by a bundle, and train it on corrected labels.

    Each patient becomes one item, all of whose files are found. STUDIES stays as it is: links, labels and new weights
    lie in APP. The server runs where MONAI Label is installed; see docs/how-to/annotate-with-monai-label.md.

    Example: `iunet-med monai-label scans/ --out app --show t1c`
    """
    patterns = pairs(series, "--map")
    with clear_errors():
        from iunet_med.monai_label.folder import start_arguments, write_app

        app = write_app(studies, out.resolve(), bundle=bundle, patterns=patterns, shown=show, trust=trust)
        if start and importlib.util.find_spec("monailabel") is None:
            raise ImportError(f"--start: MONAI Label is not installed in {sys.prefix}; run the line without --start.")
    for name, problem in app.problems.items():
        messages.print(f"[yellow]left out[/] {escape(name)}: {escape(problem)}", highlight=False, soft_wrap=True)
    arguments = start_arguments(app, host=host, port=port)
    if not start:
        items = "the server's studies" if "://" in studies else f"{app.items} patient(s)"
        told = f"{escape(str(app.path))} serves {items}. Start it where MONAI Label is installed:"
        messages.print(f"{told}\n{escape(shlex.join(['python', *arguments]))}", highlight=False, soft_wrap=True)
        return
    # MONAI Label calls torchrun and dcmqi's programs by name
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    raise typer.Exit(subprocess.call([sys.executable, *arguments], env={**os.environ, "PATH": path}))
