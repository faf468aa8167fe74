"""The option `--layout`: a name, or a config that describes the folders."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from iunet_med.data import Layout

LAYOUT_HELP = (
    "What the folder looks like: `auto` (found by its content), `brats18` (2018 to 2021), `brats23` (2023 and later), "
    "`brats24` (with resection cavities), `msd`, or a JSON config with an id `layout`, as in "
    "configs/four_modalities_lesion.json."
)
LayoutOption = Annotated[str, typer.Option(metavar="NAME|FILE", help=LAYOUT_HELP)]


def read_layout(text: str, folder: Path, *, datalist: str = "") -> "Layout":
    """Return a layout by its name, by what a datalist or a folder holds (`auto`), or from a JSON config."""
    from monai.bundle import ConfigParser

    from iunet_med.data.detect import find_layout
    from iunet_med.data.public import LayoutName

    if not text.endswith(".json"):
        return find_layout(cast(LayoutName, text), dataset_dir=str(folder), datalist=datalist)
    config = ConfigParser.load_config_file(text)
    if "layout" not in config:
        raise ValueError(f"{text} has no id `layout`; give a config that has one, or the name of a layout.")
    return cast("Layout", ConfigParser(config).get_parsed_content("layout"))
