"""A raw data set of nnU-Net v2: dataset.json with `channel_names`, and one file per channel, CASE_0000 and so on."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iunet_med.datasets.layouts import Case
from iunet_med.datasets.names import kind_of, split_name
from iunet_med.datasets.problems import DatasetError, Problem
from iunet_med.datasets.tumour_labels import tumour_regions
from iunet_med.datasets.walk import walk
from iunet_med.volumes import ENDINGS

DESCRIPTION = "dataset.json"
_FOUR = ("t1", "t1c", "t2", "flair")
_FOLDERS = ("imagesTs", "imagesTr")
_BACKGROUND = ("background", "ignore")


@dataclass(frozen=True, kw_only=True)
class NnunetLayout:
    """Cases in `imagesTr` with labels in `labelsTr`; cases to segment in `imagesTs`, or `imagesTr` where it is empty.

    One of these folders of images can be given in place of the data set's.

    Args:
        modalities: for each modality's name the number of its channel, such as `0000`.
        regions: for each region's name the label values that it is made of.
        ending: the files' ending.

    Source: https://github.com/MIC-DKFZ/nnUNet/blob/master/documentation/dataset_format.md
    """

    modalities: Mapping[str, str]
    regions: Mapping[str, Sequence[int]]
    ending: str = ".nii.gz"

    def find(self, root: Path, *, labelled: bool) -> tuple[list[Case], list[Problem]]:
        """List the complete cases of `root`, and what is wrong with the others."""
        base = described_by(root) or root
        folders = (
            [root] if base != root else [base / "imagesTr"] if labelled else [base / "imagesTs", base / "imagesTr"]
        )
        found = next(filter(None, map(self._channels, folders)), {})
        cases: list[Case] = []
        problems: list[Problem] = []
        for name, files in sorted(found.items()):
            wanted = {
                f"channel {number} ({modality})": files.get(number) for modality, number in self.modalities.items()
            }
            if labelled:
                label = base / "labelsTr" / f"{name}{self.ending}"
                wanted["its label in labelsTr"] = label if label.is_file() else None
            if missing := [what for what, path in wanted.items() if path is None]:
                fault = f"no file for {', '.join(missing)}; found {', '.join(path.name for path in files.values())}"
                file = f"{name}_{next(iter(self.modalities.values()))}{self.ending}"
                problems.append(Problem(name, fault, f"files such as {file}", "add them, or take the case away"))
                continue
            paths = [str(path) for path in wanted.values()]
            case: Case = {"case": name, "patient": name, "modalities": list(self.modalities)}
            case["image"] = paths[: len(self.modalities)]
            cases.append(case | ({"label": paths[-1]} if labelled else {}))
        return cases, problems

    def _channels(self, folder: Path) -> dict[str, dict[str, Path]]:
        """For each case in a folder its files by the numbers of their channels."""
        found: dict[str, dict[str, Path]] = {}
        for name in next(walk(folder), (folder, [], []))[2]:
            if match := re.fullmatch(r"(.+)_(\d{4})" + re.escape(self.ending), name):
                found.setdefault(match[1], {})[match[2]] = folder / name
        return found


def described_by(root: Path) -> Path | None:
    """Return the folder with the data set's dataset.json: `root`, or the one above one of its folders of images."""
    folders = (root, *([root.parent] if root.name in _FOLDERS else []))
    return next((folder for folder in folders if is_nnunet(folder)), None)


def is_nnunet(root: Path) -> bool:
    """Return True if a folder's dataset.json names channels as nnU-Net v2 does."""
    try:
        return "channel_names" in json.loads((root / DESCRIPTION).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, TypeError):
        return False


def read_nnunet(root: Path) -> NnunetLayout:
    """Read the layout of a data set from its dataset.json.

    Channels that are called by the field's names are t1, t1c, t2, flair; if they are these four, in this order. Labels
    of brain tumours are the regions ET, TC, WT, whether they are given as classes or as regions; other labels are
    regions by their own names.

    Raises:
        DatasetError: dataset.json cannot be read, or its channels, labels or ending are none.
    """
    try:
        description = json.loads(((described_by(root) or root) / DESCRIPTION).read_text(encoding="utf-8-sig"))
        channels = {str(name): f"{int(number):04d}" for number, name in description["channel_names"].items()}
        labels = {str(name): _values(values) for name, values in description["labels"].items()}
        ending = str(description.get("file_ending", ".nii.gz"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        expected = '`channel_names` ({"0": "T1"}) and `labels` ({"background": 0, "tumour": 1}) as nnU-Net v2 has them'
        raise DatasetError(root, [Problem(DESCRIPTION, f"{error!r}", expected, "correct it")]) from error
    if ending.lower() not in ENDINGS:
        raise DatasetError(root, [Problem(DESCRIPTION, f"files end in {ending}", f"one of {', '.join(ENDINGS)}")])
    own = {name: values for name, values in labels.items() if name.casefold() not in _BACKGROUND}
    if not channels or not own:
        raise DatasetError(root, [Problem(DESCRIPTION, "it names no channel or no label", "one at least", "add them")])
    return NnunetLayout(modalities=_modalities(root, channels), regions=tumour_regions(own) or own, ending=ending)


def _values(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in (values if isinstance(values, list) else [values]))


def _modalities(root: Path, channels: Mapping[str, str]) -> Mapping[str, str]:
    kinds = {name: kind_of(split_name(name).words) for name in channels}
    names = [kind if kind and kind != "label" else name for name, kind in kinds.items()]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        both = " and ".join(name for name, kind in kinds.items() if (kind or name) == repeated[0])
        found = f"the channels {both} both mean {repeated[0]}"
        raise DatasetError(root, [Problem(DESCRIPTION, found, "one channel for each", "correct `channel_names`")])
    numbers = dict(zip(names, channels.values(), strict=True))
    return {name: numbers[name] for name in _FOUR} if set(numbers) == set(_FOUR) else numbers
