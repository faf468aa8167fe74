"""CT data sets whose chosen organs are classes: the Decathlon, BTCV, AMOS, nnU-Net's and TotalSegmentator's folders."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iunet_med.checks.file import Modality
from iunet_med.datasets.kinds import images_among, stem_of
from iunet_med.datasets.layouts import Case, Layout
from iunet_med.datasets.organ_names import organ_values, pieces, plain_name
from iunet_med.datasets.problems import DatasetError, Problem
from iunet_med.datasets.walk import walk

ORGAN_VALUES = "organ_values"
"""A case's key: for each class the label values that it has in the case's own label map, as JSON."""
ORGAN_MASKS = "organ_masks"
"""A case's key: for each of its masks, which `label` lists, the number of its class, as JSON."""
CHANNELS = {"ct": "ct.nii.gz"}
_BACKGROUND = ("background", "ignore", "clear_label")


@dataclass(frozen=True, kw_only=True)
class OrganLayout:
    """CTs with a label map each, as a dataset.json describes, or with a mask per organ, as TotalSegmentator's.

    The classes are the organs in their order, from 1 on, whatever the data set's own label values are; what is labelled
    and not chosen is background.

    - `dataset.json` of the Decathlon, BTCV, AMOS or nnU-Net (v1 and v2): cases and label names are read from it;
    - folders such as `s0001` with `ct.nii.gz` and `segmentations/ORGAN.nii.gz`; where masks overlap, the organ that
      comes later in the list holds.

    Args:
        organs: names as TotalSegmentator has them, see `iunet_med.datasets.organ_names`.

    Source: https://doi.org/10.1038/s41467-022-30695-9 (Decathlon), https://doi.org/10.5281/zenodo.10047292
    (TotalSegmentator), https://arxiv.org/abs/2206.08023 (AMOS), https://doi.org/10.7303/syn3193805 (BTCV).
    """

    organs: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.organs or len(set(self.organs)) < len(self.organs):
            raise ValueError(f"organs={list(self.organs)}: expected one name or more, each once.")

    @property
    def modalities(self) -> Mapping[str, str]:
        """One channel, ct."""
        return CHANNELS

    @property
    def regions(self) -> Mapping[str, tuple[int, ...]]:
        """For each organ the number of its class."""
        return {organ: (number,) for number, organ in enumerate(self.organs, start=1)}

    def find(self, root: Path, *, labelled: bool) -> tuple[list[Case], list[Problem]]:
        """List the complete cases below `root`, and what is wrong with the others."""
        if (root / "dataset.json").is_file():
            return self._described(root, labelled=labelled)
        if folders := [folder for folder, _, files in walk(root) if CHANNELS["ct"] in files]:
            return self._masked(folders, labelled=labelled)
        if labelled:
            needed = "a dataset.json that names cases and labels, or folders with ct.nii.gz and segmentations/"
            cure = "give the folder that holds it; its form is that of the Medical Segmentation Decathlon"
            return [], [Problem("data set", f"neither is in {root}", needed, cure)]
        files = [folder / name for folder, _, names in walk(root) for name in images_among(names)]
        return [_case(stem_of(path.name), path) for path in files], []

    def _described(self, root: Path, *, labelled: bool) -> tuple[list[Case], list[Problem]]:
        description = _read(root / "dataset.json")
        channels = description.get("modality", description.get("channel_names", {}))
        if len(channels) != 1 or plain_name(str(next(iter(channels.values())))) != "ct":
            came = f"it describes the channels {', '.join(map(str, channels.values())) or 'of nothing'}"
            return [], [Problem("dataset.json", came, "one channel, CT", "give a data set of CT")]
        labels = _labels(description.get("labels", {}))
        values = organ_values(labels, self.organs)
        missing = [organ for organ in self.organs if organ not in values]
        problems = []
        if labelled and missing:
            came = f"no label is called {', '.join(missing)}; its labels are {', '.join(labels)}"
            cure = "take them out of `organs`, or name the labels so"
            problems.append(Problem("dataset.json", came, "a label for each of the organs", cure))
        cases = []
        for name, image, label in _listed(root, description, labelled=labelled):
            absent = [str(path) for path in (image, label) if path is not None and not path.is_file()]
            if absent or (labelled and label is None):
                came = f"there is no {' and no '.join(absent) or 'label for it'}"
                problems.append(Problem(name, came, "an image and a label per case", "add it, or correct dataset.json"))
                continue
            own = {ORGAN_VALUES: json.dumps(list(values.values()))} if labelled else {}
            cases.append(_case(name, image) | own | ({"label": str(label)} if labelled else {}))
        return cases, problems

    def _masked(self, folders: Sequence[Path], *, labelled: bool) -> tuple[list[Case], list[Problem]]:
        cases, problems = [], []
        for folder in folders:
            case = _case(folder.name, folder / CHANNELS["ct"])
            if labelled:
                place = folder / "segmentations"
                names = sorted(path.name for path in place.glob("*")) if place.is_dir() else []
                masks = {plain_name(stem_of(name)): place / name for name in images_among(names)}
                parts = {organ: pieces(organ, masks) for organ in self.organs}
                if missing := [organ for organ, found in parts.items() if not found]:
                    came = f"no mask for {', '.join(missing)} in {place}"
                    cure = "add empty masks where the organ is not in the image, or take it out of `organs`"
                    problems.append(Problem(folder.name, came, "a mask per organ", cure))
                    continue
                case["label"] = [str(masks[name]) for found in parts.values() for name in found]
                numbers = [number for number, found in enumerate(parts.values(), start=1) for _ in found]
                case[ORGAN_MASKS] = json.dumps(numbers)
            cases.append(case)
        return cases, problems


def layout_modality(layout: Layout) -> Modality | None:
    """What the images of a layout are, where that is known."""
    return "CT" if list(layout.modalities) == list(CHANNELS) else None


def find_organ_layout(organs: Sequence[str]) -> OrganLayout:
    """Return the layout of a CT data set with these organs as classes; for configs.

    >>> find_organ_layout(["spleen", "liver"]).regions
    {'spleen': (1,), 'liver': (2,)}
    """
    return OrganLayout(organs=tuple(organs))


def _case(name: str, image: Path) -> Case:
    return {"case": name, "patient": name, "image": str(image), "modalities": list(CHANNELS)}


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError) as error:
        problem = Problem("dataset.json", str(error), "the data set's description", "correct it")
        raise DatasetError(path.parent, [problem]) from error


def _labels(described: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Names -> values, from {"1": "liver"} as the Decathlon writes, {"liver": 1} or {"liver": [1, 2]} as nnU-Net."""
    found: dict[str, tuple[int, ...]] = {}
    for key, value in described.items():
        if str(key).lstrip("-").isdigit():
            name, values = str(value), [int(key)]
        else:
            name, values = str(key), [int(v) for v in (value if isinstance(value, list) else [value])]
        if plain_name(name) not in _BACKGROUND and values != [0]:
            found[name] = (*found.get(name, ()), *values)
    return found


def _listed(root: Path, description: Mapping[str, Any], *, labelled: bool) -> Iterator[tuple[str, Path, Path | None]]:
    """Yield name, image and label of each case: those that dataset.json lists, or else all of its folders."""
    ending = str(description.get("file_ending", ".nii.gz"))
    items = [*description.get("training", []), *description.get("validation", [])]
    if not labelled:
        items = description.get("test", [])
    if items and "channel_names" not in description:
        for item in items:
            entry = {"image": item} if isinstance(item, str) else item
            image = root / entry["image"]
            name = stem_of(image.name)
            if not image.is_file() and (first := image.with_name(f"{name}_0000{ending}")).is_file():
                image = first
            yield name, image, root / entry["label"] if "label" in entry else None
        return
    for folder in ("imagesTr",) if labelled else ("imagesTs", "imagesTr"):
        names = images_among(next(walk(root / folder), (root, [], []))[2])
        for file in names:
            name = stem_of(file).removesuffix("_0000")
            yield name, root / folder / file, root / folder.replace("images", "labels") / f"{name}{ending}"
        if names:
            return
