"""`iunet-med bundle`: the bundles that come with the package, copied to where they can be trained and edited."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from iunet_med.cli.terminal import clear_errors, messages
from iunet_med.shipped import BUNDLES, copy_shipped, shipped_bundles


def bundle(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The bundle to copy; none lists them.")] = None,
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to copy it.")] = Path(),
) -> None:
    """List the bundles that come with the package, or copy one to a folder to train or change it.

    The bundle becomes `FOLDER/bundle/NAME`, the overlays for it `FOLDER/configs`. `segment` and `export` take a name as
    it is and need no copy.

    Example: `iunet-med bundle iunet_brats_mri`
    """
    if name is None:
        table = Table("bundle", "version", "description")
        for known in shipped_bundles():
            metadata = json.loads((BUNDLES / known / "configs" / "metadata.json").read_text(encoding="utf-8"))
            table.add_row(known, metadata["version"], metadata["description"])
        Console().print(table)
        return
    with clear_errors():
        folder, overlays = copy_shipped(name, output)
    train = escape(str(folder / "configs" / "train.json"))
    told = f"{escape(str(folder))} and {escape(str(overlays))} are written. Train by:"
    line = f"python -m monai.bundle run --config_file {train} --dataset_dir FOLDER"
    messages.print(f"{told}\n{line}", highlight=False, soft_wrap=True)
