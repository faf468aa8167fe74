"""A data set's checked cases and their folds in one JSON file, which the bundle reads and MONAI's tools understand."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from iunet_med.datasets.layouts import Case, Layout
from iunet_med.datasets.problems import DatasetError, Problem
from iunet_med.files import replacing

PATHS = ("image", "label")


def write_datalist(
    path: Path, cases: Sequence[Case], *, root: Path, layout: Layout, layout_name: str, details: Mapping[str, Any]
) -> None:
    """Write cases as a datalist, `training` holding them with paths below `root`, as MONAI's data lists do.

    Args:
        path: the JSON file.
        cases: each with `fold`, the number of the fold in which it is validated on, where it is.
        root: the data set's folder.
        layout: the layout, whose modalities and regions are written down.
        layout_name: its name, or the file that describes it.
        details: what else is worth keeping, such as the seed and the cases left out.
    """
    description = {
        "layout": layout_name,
        "modality": {str(channel): name for channel, name in enumerate(layout.modalities)},
        "regions": {name: list(values) for name, values in layout.regions.items()},
        "dataset_dir": str(root),
        **details,
        "numTraining": len(cases),
        "training": [
            {key: _relative(case[key], root) if key in PATHS else case[key] for key in case} for case in cases
        ],
    }
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")


def read_datalist(path: Path, layout: Layout, *, dataset_dir: str = "") -> list[Case]:
    """Read the cases of a datalist; paths are taken from `dataset_dir`, else from the folder that it was made of.

    Raises:
        DatasetError: the file is no datalist, or its regions or modalities are not those of the layout.
    """
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        root = Path(dataset_dir or description["dataset_dir"]).resolve()
        found = (list(description["modality"].values()), description["regions"])
        cases = [
            {key: _absolute(item[key], root) if key in PATHS else item[key] for key in item}
            for item in description["training"]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        cure = "make it by `iunet-med datalist FOLDER --out FILE`, and pass --datalist FILE"
        raise DatasetError(path, [Problem("datalist", repr(error), "a readable datalist", cure)]) from error
    expected = (list(layout.modalities), {name: list(values) for name, values in layout.regions.items()})
    if found != expected:
        cure = f"choose the layout that it was made with, {description['layout']}"
        raise DatasetError(path, [Problem("layout", _meaning(*found), _meaning(*expected), cure)])
    return cases


def _meaning(modalities: Sequence[str], regions: Mapping[str, Sequence[int]]) -> str:
    return f"{', '.join(modalities)} and the regions {dict(regions)}"


def _relative(paths: str | list[str], root: Path) -> str | list[str]:
    return (
        [str(Path(path).relative_to(root)) for path in paths]
        if isinstance(paths, list)
        else str(Path(paths).relative_to(root))
    )


def _absolute(paths: str | list[str], root: Path) -> str | list[str]:
    return [str(root / path) for path in paths] if isinstance(paths, list) else str(root / paths)
