"""Walks a folder in one order, through links, without hidden files."""

import os
from collections.abc import Iterator
from pathlib import Path


def walk(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield each folder from `root` down with the sorted names of its folders and files.

    Links are followed, but none that leads back up; names that begin with a dot and `__MACOSX` are left out.
    """
    above = {str(root): {os.path.realpath(root)}}
    for folder, subfolders, files in os.walk(root, followlinks=True):
        seen = above.pop(folder)
        real = {
            name: os.path.realpath(Path(folder, name)) for name in subfolders if not name.startswith((".", "__MACOSX"))
        }
        subfolders[:] = sorted(name for name, place in real.items() if place not in seen)
        above |= {os.path.join(folder, name): {*seen, real[name]} for name in subfolders}
        yield Path(folder), list(subfolders), sorted(name for name in files if not name.startswith("."))
