"""Names for items that other programs list, as MONAI's do: an image and perhaps a label, and no more."""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.utils import ensure_tuple

from iunet_med.volumes import ENDINGS


def name_cases(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add `case` and `patient` to items that lack them; other items stay as they are.

    An image in one file is called like its file; one in several is called by what their names have in common, or else
    like their folder. Where two names are the same, the folder's name comes before. The patient is the case.

    Raises:
        ValueError: an item has no path to be named by, or two have the same name.
    """
    unnamed = [_paths(item) for item in items if "case" not in item]
    often = Counter(map(_name, unnamed))
    named = []
    for item in items:
        name = item["case"] if "case" in item else _name(paths := _paths(item))
        if "case" not in item and often[name] > 1:
            name = f"{paths[0].absolute().parent.name}_{name}"
        named.append({"patient": name, **item, "case": name})
    if doubled := [name for name, count in Counter(str(item["case"]) for item in named).items() if count > 1]:
        raise ValueError(f"{', '.join(doubled)}: several items have this name; give each its own by the key `case`.")
    return named


def _paths(item: Mapping[str, Any]) -> list[Path]:
    paths = ensure_tuple(item.get("image", ()))
    if not paths or not all(isinstance(path, str | os.PathLike) for path in paths):
        raise ValueError(
            f"the item with {', '.join(map(str, item))}: expected `image`, a path or one path per modality."
        )
    return [Path(path) for path in paths]


def _name(paths: Sequence[Path]) -> str:
    stems = [_stem(path.name) for path in paths]
    if len(stems) == 1:
        return stems[0]
    prefix = os.path.commonprefix(stems)  # noqa: RUF071  (character by character is what is meant)
    common = re.sub(r"[^_\-. ]*$", "", prefix).strip("_-. ")
    return common or paths[0].absolute().parent.name


def _stem(name: str) -> str:
    endings = sorted((ending for ending in ENDINGS if name.lower().endswith(ending)), key=len)
    return name[: -len(endings[-1])] if endings else name
