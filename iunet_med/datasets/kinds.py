"""What a file is taken for: by the patterns that it fits, else by the field's words in its name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase, translate
from pathlib import Path

from iunet_med.datasets.names import kind_of
from iunet_med.volumes import ENDINGS


@dataclass(frozen=True)
class Kinds:
    """Names what the files below `root` are.

    Args:
        root: the data set's folder.
        patterns: for each modality, and `label`, a pattern of its files; an empty one stands for the field's words.
    """

    root: Path
    patterns: Mapping[str, str]

    def of(self, path: Path, words: Sequence[str]) -> list[str]:
        """Name what a file or a folder is by its path and the words in its name; usually one thing or none."""
        fitting = [name for name, pattern in self.patterns.items() if pattern and fits(path, pattern, self.root)]
        kind = kind_of(words)
        return fitting or ([kind] if kind is not None and self.patterns.get(kind) == "" else [])

    def before(self, path: Path) -> str:
        """Return the part of a file's name that the star in front of a pattern stands for, as case_1 for `*_0000*`."""
        for pattern in self.patterns.values():
            if pattern.startswith("*") and fits(path, pattern, self.root):
                rest = translate(pattern[1:])
                found = re.fullmatch(f"(.*){rest}", path.name, re.IGNORECASE)
                return found[1].rstrip(" _-.") if found else ""
        return ""


def fits(path: Path, pattern: str, root: Path) -> bool:
    """Return True if a name, or a path below `root`, fits a pattern; upper and lower case are alike.

    A folder also fits as the folder of what a pattern such as `*/S5/*` means.
    """
    below = below_root(path, root)
    return any(fnmatchcase(name.casefold(), pattern.casefold()) for name in (path.name, below, f"{below}/"))


def below_root(path: Path, root: Path) -> str:
    """Return a path from `root` on, with slashes."""
    return path.relative_to(root).as_posix()


def stem_of(name: str) -> str:
    """A file's name without the ending of its format."""
    ending = next((ending for ending in ENDINGS if name.lower().endswith(ending)), "")
    return name[: len(name) - len(ending)]


def images_among(names: Sequence[str]) -> list[str]:
    """Those of some files' names that end as images do."""
    return [name for name in names if name.lower().endswith(ENDINGS)]
