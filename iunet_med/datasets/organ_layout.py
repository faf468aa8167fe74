"""Data sets of one channel whose chosen organs are classes: the Decathlon, BTCV, AMOS, nnU-Net, TotalSegmentator."""

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
CHANNELS: Mapping[str, tuple[Modality, tuple[str, ...]]] = {
    "ct": ("CT", ("ct",)),
    "t1": ("MR", ("t1", "t1w", "mri", "mr")),
}
"""For each channel what it is, and how data sets call it."""
TOTALSEGMENTATOR = "ct.nii.gz"
PAIRS = (("imagesTr", "labelsTr"), ("images", "labels"))
"""Folders of images and of label maps with the same names, where there is no dataset.json."""
_BACKGROUND = ("background", "ignore", "clear_label")


@dataclass(frozen=True, kw_only=True)
class OrganLayout:
    """Images of one channel with a label map each, as a dataset.json describes, or with TotalSegmentator's masks.

    The classes are the organs in their order, from 1 on, whatever the data set's own label values are; what is labelled
    and not chosen is background.

    - `dataset.json` of the Decathlon, BTCV, AMOS or nnU-Net (v1 and v2): cases and label names are read from it;
    - folders `images` and `labels`, or `imagesTr` and `labelsTr`, with files of the same names, whose label values are
      those of the classes;
    - folders such as `s0001` with `ct.nii.gz` and `segmentations/ORGAN.nii.gz`; where masks overlap, the organ that
      comes later in the list holds.

    Args:
        organs: names as TotalSegmentator has them, see `iunet_med.datasets.organ_names`.
        channel: "ct" or "t1".

    Raises:
        ValueError: no organ, one that is named twice, or an unknown channel.

    Source: https://doi.org/10.1038/s41467-022-30695-9 (Decathlon), https://doi.org/10.5281/zenodo.10047292
    (TotalSegmentator), https://arxiv.org/abs/2206.08023 (AMOS), https://doi.org/10.7303/syn3193805 (BTCV).
    """

    organs: tuple[str, ...]
    channel: str = "ct"

    def __post_init__(self) -> None:
        if self.channel not in CHANNELS:
            raise ValueError(f"channel={self.channel!r}: expected one of {', '.join(CHANNELS)}.")
        if not self.organs or len(set(self.organs)) < len(self.organs):
            raise ValueError(f"organs={list(self.organs)}: expected one name or more, each once.")

    @property
    def modalities(self) -> Mapping[str, str]:
        """The channel, whose files may have any name."""
        return {self.channel: "*"}

    @property
    def modality(self) -> Modality:
        """What the images are."""
        return CHANNELS[self.channel][0]

    @property
    def regions(self) -> Mapping[str, tuple[int, ...]]:
        """For each organ the number of its class."""
        return {organ: (number,) for number, organ in enumerate(self.organs, start=1)}

    def find(self, root: Path, *, labelled: bool) -> tuple[list[Case], list[Problem]]:
        """List the complete cases below `root`, and what is wrong with the others."""
        if (root / "dataset.json").is_file():
            return self._described(root, labelled=labelled)
        for images, labels in PAIRS:
            if (root / images).is_dir() and (root / labels).is_dir():
                return self._paired(root / images, root / labels, labelled=labelled)
        masked = [folder for folder, _, files in walk(root) if TOTALSEGMENTATOR in files]
        if masked and self.channel == "ct":
            return self._masked(masked, labelled=labelled)
        if labelled:
            expected = "a dataset.json that names cases and labels, folders images/ and labels/"
            expected += ", or folders with ct.nii.gz and segmentations/" if self.channel == "ct" else ""
            cure = "give the folder that holds it; its form is that of the Medical Segmentation Decathlon"
            return [], [Problem("data set", f"neither is in {root}", expected, cure)]
        files = [folder / name for folder, _, names in walk(root) for name in images_among(names)]
        return [self._case(stem_of(path.name), path) for path in files], []

    def _paired(self, images: Path, labels: Path, *, labelled: bool) -> tuple[list[Case], list[Problem]]:
        cases, problems = [], []
        known = {stem_of(path.name): path for path in labels.iterdir() if images_among([path.name])}
        for image in sorted(path for path in images.iterdir() if images_among([path.name])):
            name = stem_of(image.name)
            if labelled and name not in known:
                cure = "add it, or take the image away"
                problems.append(Problem(name, f"no label in {labels}", "a label of the image's name", cure))
                continue
            cases.append(self._case(name, image) | ({"label": str(known[name])} if labelled else {}))
        return cases, problems

    def _case(self, name: str, image: Path) -> Case:
        return {"case": name, "patient": name, "image": str(image), "modalities": [self.channel]}

    def _described(self, root: Path, *, labelled: bool) -> tuple[list[Case], list[Problem]]:
        description = _read(root / "dataset.json")
        channels = description.get("modality", description.get("channel_names", {}))
        known = CHANNELS[self.channel][1]
        if len(channels) != 1 or plain_name(str(next(iter(channels.values())))) not in known:
            found = f"it describes the channels {', '.join(map(str, channels.values())) or 'of nothing'}"
            expected = f"one channel, called {' or '.join(known)}"
            return [], [Problem("dataset.json", found, expected, f"give a data set of {self.modality} images")]
        labels = _labels(description.get("labels", {}))
        values = organ_values(labels, self.organs)
        missing = [organ for organ in self.organs if organ not in values]
        problems = []
        if labelled and missing:
            fault = f"no label is called {', '.join(missing)}; its labels are {', '.join(labels)}"
            cure = "take them out of `organs`, or name the labels so"
            problems.append(Problem("dataset.json", fault, "a label for each of the organs", cure))
        cases = []
        for name, image, label in _listed(root, description, labelled=labelled):
            absent = [str(path) for path in (image, label) if path is not None and not path.is_file()]
            if absent or (labelled and label is None):
                fault = f"there is no {' and no '.join(absent) or 'label for it'}"
                problems.append(
                    Problem(name, fault, "an image and a label per case", "add it, or correct dataset.json")
                )
                continue
            own = {ORGAN_VALUES: json.dumps(list(values.values()))} if labelled else {}
            cases.append(self._case(name, image) | own | ({"label": str(label)} if labelled else {}))
        return cases, problems

    def _masked(self, folders: Sequence[Path], *, labelled: bool) -> tuple[list[Case], list[Problem]]:
        cases, problems = [], []
        for folder in folders:
            case = self._case(folder.name, folder / TOTALSEGMENTATOR)
            if labelled:
                place = folder / "segmentations"
                names = sorted(path.name for path in place.glob("*")) if place.is_dir() else []
                masks = {plain_name(stem_of(name)): place / name for name in images_among(names)}
                parts = {organ: pieces(organ, masks) for organ in self.organs}
                if missing := [organ for organ, found in parts.items() if not found]:
                    fault = f"no mask for {', '.join(missing)} in {place}"
                    cure = "add empty masks where the organ is not in the image, or take it out of `organs`"
                    problems.append(Problem(folder.name, fault, "a mask per organ", cure))
                    continue
                case["label"] = [str(masks[name]) for found in parts.values() for name in found]
                numbers = [number for number, found in enumerate(parts.values(), start=1) for _ in found]
                case[ORGAN_MASKS] = json.dumps(numbers)
            cases.append(case)
        return cases, problems


def layout_modality(layout: Layout) -> Modality | None:
    """Return what the images of a layout are, where that is known."""
    return layout.modality if isinstance(layout, OrganLayout) else None


def find_organ_layout(organs: Sequence[str], channel: str = "ct") -> OrganLayout:
    """Return the layout of a data set of one channel with these organs as classes; for configs.

    >>> find_organ_layout(["spleen", "liver"]).regions
    {'spleen': (1,), 'liver': (2,)}
    """
    return OrganLayout(organs=tuple(organs), channel=channel)


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
