"""Walks a folder in one order, through links, without hidden files."""

import os
from collections.abc import Iterator
from pathlib import Path

MONAI_LABEL_INDEX = "datastore_v2.json"


def walk(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield each folder from `root` down with the sorted names of its folders and files.

    Links are followed, but none that leads back up; names that begin with a dot and `__MACOSX` are left out, and so is
    `labels` in a folder of studies of MONAI Label: its files have the names of the images.
    """
    above = {str(root): {os.path.realpath(root)}}
    for folder, subfolders, files in os.walk(root, followlinks=True):
        seen = above.pop(folder)
        left_out = {"labels"} if MONAI_LABEL_INDEX in files else set()
        real = {
            name: os.path.realpath(Path(folder, name))
            for name in subfolders
            if not name.startswith((".", "__MACOSX")) and name not in left_out
        }
        subfolders[:] = sorted(name for name, place in real.items() if place not in seen)
        above |= {os.path.join(folder, name): {*seen, real[name]} for name in subfolders}
        yield Path(folder), list(subfolders), sorted(name for name in files if not name.startswith("."))
