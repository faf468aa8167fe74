"""Tells by a folder's content which public layout it has."""

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from iunet_med.datasets.kinds import stem_of
from iunet_med.datasets.layouts import Layout, case_folders
from iunet_med.datasets.named_layout import NamedLayout
from iunet_med.datasets.names import kind_of, split_name
from iunet_med.datasets.nnunet_layout import described_by, read_nnunet
from iunet_med.datasets.problems import DatasetError, Problem, say_which
from iunet_med.datasets.public import BRATS18_FILES, BRATS23_FILES, LAYOUT_NAMES, LayoutName, dataset_layout
from iunet_med.datasets.walk import walk
from iunet_med.volumes import ENDINGS

FILES = NamedLayout(modalities=dict.fromkeys(BRATS23_FILES, ""), regions={})
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
    root = dataset_dir
    if name == "auto" and datalist:
        name, listed = _layout_of(Path(datalist))
        root = dataset_dir or listed
    elif name == "auto":
        name = detect_layout(Path(dataset_dir)) if dataset_dir else "brats23"
    return read_nnunet(Path(root)) if name == "nnunet" and root else dataset_layout(name)


def detect_layout(root: Path) -> LayoutName:
    """Name the layout of a folder: by its dataset.json, or by the names of the files in its cases' folders.

    Raises:
        DatasetError: says what was found where no layout fits or several do.
    """
    fitting = fitting_layouts(root)
    if len(fitting) == 1:
        return next(iter(fitting))
    if fitting:
        found = " and ".join(f"{len(cases)} cases like {name}, {cases[0]} for one" for name, cases in fitting.items())
        cure = f"put them in folders of their own, or say which are meant, by one of {', '.join(fitting)}"
    else:
        files = [name for _, _, names in walk(root) for name in names if name.lower().endswith(ENDINGS)]
        nothing = f"no image in {root}" if root.is_dir() else f"no folder {root}"
        found = f"{', '.join(files[:5])} for a start" if files else nothing
        cure = say_which("t1c", BRATS23_FILES)
    expected = (
        "one file per modality, by names such as t1, t1c or T1 post, t2, flair, or a data set with a dataset.json"
    )
    raise DatasetError(root, [Problem("layout", found, expected, cure)])


def fitting_layouts(root: Path) -> dict[LayoutName, list[str]]:
    """List the public layouts that a folder's content fits, each with the names of the cases that fit."""
    if described_by(root):
        return {"nnunet": ["dataset.json"]}
    if (root / "dataset.json").is_file():
        return {"msd": ["dataset.json"]}
    fitting: dict[LayoutName, list[str]] = {}
    for folder, files in case_folders(root):
        for name, patterns in BY_FILE_NAMES.items():
            if _fits(files, patterns):
                fitting.setdefault(name, []).append(folder.name)
    if not fitting and (named := [group.name for group in FILES.groups(root) if group.taken]):
        return {"files": named}
    return fitting


def _fits(files: Sequence[str], patterns: Mapping[str, str]) -> bool:
    """Return True if a case's files are those of a layout: two modalities are more than chance, and faults may be."""
    found = {name: [file for file in files if fnmatchcase(file, pattern)] for name, pattern in patterns.items()}
    # a flat folder has many files for one modality; and x_t1c is not the name that brats18 has for it
    kinds = {kind_of(split_name(stem_of(file)).words) for file in files}
    named_otherwise = any(name in kinds and not fitting for name, fitting in found.items())
    return sum(map(bool, found.values())) >= 2 and not named_otherwise and not _is_flat(found)


def _is_flat(found: Mapping[str, Sequence[str]]) -> bool:
    return all(len({split_name(stem_of(file)).prefix for file in files}) > 1 for files in found.values() if files)


def _layout_of(datalist: Path) -> tuple[LayoutName, str]:
    """The public layout that a datalist was made with, and the folder that it was made of."""
    try:
        description = json.loads(datalist.read_text(encoding="utf-8"))
        name, root = description["layout"], str(description.get("dataset_dir", ""))
    except (OSError, ValueError, KeyError, TypeError) as error:
        cure = "make it by `iunet-med datalist FOLDER --out FILE`"
        raise DatasetError(datalist, [Problem("datalist", repr(error), "a datalist with its layout", cure)]) from error
    if name not in LAYOUT_NAMES:
        cure = f"pass --layout {name} to iunet-med, or lay {name} over the bundle's config"
        raise DatasetError(datalist, [Problem("layout", f"it was made with {name}", "a public layout's name", cure)])
    return name, root
