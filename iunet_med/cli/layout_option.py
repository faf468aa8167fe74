"""The options `--layout`, a name or a config that describes the folders, and `--trust`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from iunet_med.datasets import Layout

LAYOUT_HELP = (
    "What the folder looks like: `auto` (found by its content, or by the bundle that made the results), "
    "`brats18` (2018 to 2021), `brats23` (2023 and later), `brats24` (with resection cavities), `msd`, the name of a "
    "bundle that comes with the package, or a JSON config with an id `layout`, as in "
    "configs/four_modalities_lesion.json."
)
TRUST_HELP = (
    "Run configs that can run any code. Configs as shipped, and those of plain values, layouts and transforms, need no "
    "trust."
)
LayoutOption = Annotated[str, typer.Option(metavar="NAME|FILE", help=LAYOUT_HELP)]
TrustOption = Annotated[bool, typer.Option("--trust", help=TRUST_HELP)]


def read_layout(text: str, folder: Path, *, trust: bool, datalist: str = "") -> "Layout":
    """Return a layout by its name or a bundle's, by what a datalist or a folder holds (`auto`), or from a JSON config.

    Raises:
        ValueError: no such layout, or the config could run code and `trust` is not set.
        OSError: there is no such file.
    """
    from iunet_med.datasets.detect import find_layout
    from iunet_med.datasets.public import LayoutName
    from iunet_med.shipped import bundle_folder, shipped_bundles

    if text in shipped_bundles():
        text = str(bundle_folder(text) / "configs" / "inference.json")
    if not text.endswith(".json"):
        return find_layout(cast(LayoutName, text), dataset_dir=str(folder), datalist=datalist)
    from iunet_med.inference.configs import layout_of, read_configs

    parser = read_configs([Path(text)], trust=trust)
    if "layout" not in parser:
        raise ValueError(f"{text} has no id `layout`; give a config that has one, or the name of a layout.")
    return layout_of(parser)
