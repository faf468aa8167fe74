"""Tells by a folder's content which public layout it has."""

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from iunet_med.data.layouts import Layout, case_folders
from iunet_med.data.problems import DatasetError, Problem
from iunet_med.data.public import BRATS18_FILES, BRATS23_FILES, LAYOUT_NAMES, LayoutName, dataset_layout

BY_FILE_NAMES: dict[LayoutName, Mapping[str, str]] = {"brats18": BRATS18_FILES, "brats23": BRATS23_FILES}
"""The layouts that differ in their files' names; brats24 has those of brats23, and only label values tell them apart.
"""


def find_layout(name: LayoutName | Literal["auto"] = "auto", *, dataset_dir: str = "", datalist: str = "") -> Layout:
    """Return a layout by its name, or find out by what the data set holds.

    Args:
        name: as in `dataset_layout`, or `auto`: the layout that `datalist` was made with, else the one that fits
            `dataset_dir`, and brats23 where neither is given, as when a network alone is asked for.
        dataset_dir: the data set's folder.
        datalist: the path of a list that `iunet-med datalist` has written.

    Raises:
        DatasetError: no layout fits, or several do.
    """
    if name != "auto":
        return dataset_layout(name)
    if datalist:
        return dataset_layout(_layout_of(Path(datalist)))
    return dataset_layout(detect_layout(Path(dataset_dir)) if dataset_dir else "brats23")


def detect_layout(root: Path) -> LayoutName:
    """Name the public layout of a folder: by its dataset.json, or by the names of the files in its cases' folders.

    Raises:
        DatasetError: says what was found where no layout fits or several do.
    """
    fitting = fitting_layouts(root)
    if len(fitting) == 1:
        return next(iter(fitting))
    if fitting:
        came = " and ".join(f"{len(found)} cases like {name}, {found[0]} for one" for name, found in fitting.items())
        cure = f"put them in folders of their own, or say which are meant, by one of {', '.join(fitting)}"
    else:
        files = next((files for _, files in case_folders(root) if files), [])
        nothing = f"no NIfTI file in {root}" if root.is_dir() else f"no folder {root}"
        came = f"{', '.join(files[:5])} for a start" if files else nothing
        cure = f"say it by one of {', '.join(LAYOUT_NAMES)}, or describe your folders as in four_modalities_lesion.json"
    names = "; ".join(f"{name} ({', '.join(patterns.values())})" for name, patterns in BY_FILE_NAMES.items())
    raise DatasetError(root, [Problem("layout", came, f"the files of one layout: {names}; or a dataset.json", cure)])


def fitting_layouts(root: Path) -> dict[LayoutName, list[str]]:
    """List the public layouts that a folder's content fits, each with the names of the cases that fit."""
    if (root / "dataset.json").is_file():
        return {"msd": ["dataset.json"]}
    fitting: dict[LayoutName, list[str]] = {}
    for folder, files in case_folders(root):
        for name, patterns in BY_FILE_NAMES.items():
            # two of the modalities are more than chance, and are found in a case with faults, too
            if sum(any(fnmatchcase(file, pattern) for file in files) for pattern in patterns.values()) >= 2:
                fitting.setdefault(name, []).append(folder.name)
    return fitting


def _layout_of(datalist: Path) -> LayoutName:
    """The public layout that a datalist was made with."""
    try:
        name = json.loads(datalist.read_text(encoding="utf-8"))["layout"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        cure = "make it by `iunet-med datalist FOLDER --out FILE`"
        raise DatasetError(datalist, [Problem("datalist", repr(error), "a datalist with its layout", cure)]) from error
    if name not in LAYOUT_NAMES:
        cure = f"pass --layout {name} to iunet-med, or lay {name} over the bundle's config"
        raise DatasetError(datalist, [Problem("layout", f"it was made with {name}", "a public layout's name", cure)])
    return name  # type: ignore[no-any-return]
