"""How the folders of public data sets become lists of cases: modalities and regions by name, never by position."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Protocol

from iunet_med.datasets.problems import DatasetError, Problem, say_which
from iunet_med.datasets.walk import walk

Case = dict[str, Any]
"""Keys: `case` and `patient` (names), `image` (a path, or one path per modality), `modalities` (the names of its
channels, as they lie there), and `label` (a path) where labels are asked for."""
Regions = Mapping[str, Sequence[int]]
"""For each region, by name, the label values that it is made of, as in {"ET": [3], "TC": [1, 3], "WT": [1, 2, 3]}."""


class Layout(Protocol):
    """What a data set's folder looks like, and what its label values mean."""

    @property
    def modalities(self) -> Mapping[str, Any]:
        """What is searched for each modality; the order of the names is the order of the network's channels."""

    @property
    def regions(self) -> Mapping[str, Sequence[int]]:
        """The label values of each region; the order of the names is the order of the prediction's channels."""

    def find(self, root: Path, *, labelled: bool) -> tuple[list[Case], list[Problem]]:
        """List the complete cases below `root`, and what is wrong with the others."""


@dataclass(frozen=True, kw_only=True)
class FolderLayout:
    r"""One folder per case, at any depth below the data set's folder, and one file per modality.

    A case is a folder that holds NIfTI files or is empty; its name is the folder's. Hidden files are ignored.

    Args:
        modalities: for each modality's name the pattern of its file, such as `*_t1.nii*`; upper and lower case differ.
        regions: for each region's name the label values that it is made of.
        label: the pattern of the label's file.
        patient: a regular expression whose first group is the patient's part of a case's name, for data sets with
            several scans of a patient.
    """

    modalities: Mapping[str, str]
    regions: Mapping[str, Sequence[int]]
    label: str
    patient: str = "(.+)"

    def find(self, root: Path, *, labelled: bool) -> tuple[list[Case], list[Problem]]:
        """List the complete cases below `root`, and what is wrong with the others."""
        cases: list[Case] = []
        problems: list[Problem] = []
        first: dict[str, Path] = {}
        for folder, files in case_folders(root):
            case, faults = self._case(folder, files, labelled=labelled)
            if (other := first.setdefault(folder.name, folder)) != folder:
                fault = f"two folders, {other} and {folder}"
                faults.append(Problem(folder.name, fault, "one folder per name", "rename one of them"))
            problems += faults
            cases.append(case)
        faulty = {problem.case for problem in problems}
        return [case for case in cases if case["case"] not in faulty], problems

    def _case(self, folder: Path, files: Sequence[str], *, labelled: bool) -> tuple[Case, list[Problem]]:
        patterns = {**self.modalities, "label": self.label} if labelled else self.modalities
        matches = {name: [file for file in files if fnmatchcase(file, pattern)] for name, pattern in patterns.items()}
        problems = []
        if missing := [name for name, found in matches.items() if not found]:
            fault = f"no file for {', '.join(missing)} among {', '.join(files) or 'no files'}"
            expected = f"files that match {', '.join(patterns[name] for name in missing)}"
            cure = "add them, or take the case away" if labelled else say_which(missing[0], self.modalities)
            problems.append(Problem(folder.name, fault, expected, cure))
        for name, found in matches.items():
            if len(found) > 1:
                fault = f"{len(found)} files for {name}, {', '.join(found)}"
                problems.append(Problem(folder.name, fault, f"one that matches {patterns[name]}", "keep one of them"))
        patient = re.match(self.patient, folder.name)
        case: Case = {"case": folder.name, "patient": patient[1] if patient else folder.name}
        if not problems:
            case["image"] = [str(folder / matches[name][0]) for name in self.modalities]
            case["modalities"] = list(self.modalities)
            if labelled:
                case["label"] = str(folder / matches["label"][0])
        return case, problems


def case_folders(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield each folder from `root` down that holds NIfTI files or nothing at all, with the names of these files."""
    for folder, subfolders, names in walk(root):
        files = [name for name in names if name.endswith((".nii", ".nii.gz"))]
        if files or not (subfolders or folder == root):
            yield folder, files


@dataclass(frozen=True, kw_only=True)
class MsdLayout:
    """A task of the Medical Segmentation Decathlon as it ships: `dataset.json` and one 4D file per case.

    Args:
        modalities: for each modality's name the spellings, in lower case, that dataset.json may use for it.
        regions: for each region's name the label values that it is made of.
        labels: for each label value the word, in lower case, that dataset.json's name for it must contain.
        unlabelled: the section of dataset.json whose images are segmented; labelled cases are those of `training`.

    Source: Antonelli et al., The Medical Segmentation Decathlon, Nature Communications 2022,
    https://doi.org/10.1038/s41467-022-30695-9.
    """

    modalities: Mapping[str, Sequence[str]]
    regions: Mapping[str, Sequence[int]]
    labels: Mapping[str, str] = field(default_factory=dict)
    unlabelled: str = "test"

    def find(self, root: Path, *, labelled: bool) -> tuple[list[Case], list[Problem]]:
        """List the complete cases of `root`/dataset.json, and what is wrong with the others."""
        description = self._read(root / "dataset.json")
        order, problems = self._channel_names(description)
        problems += self._wrong_labels(description) if labelled else []
        cases: dict[str, Case] = {}
        for item in description.get("training" if labelled else self.unlabelled, []):
            entry = {"image": item} if isinstance(item, str) else item
            files = {key: root / entry[key] for key in ("image", "label")[: 1 + labelled] if key in entry}
            name = files["image"].name.removesuffix(".gz").removesuffix(".nii")
            absent = [str(path) for path in files.values() if not path.is_file()]
            if absent:
                problems.append(
                    Problem(
                        name, f"dataset.json lists {', '.join(absent)}", "files that exist", "add them or correct it"
                    )
                )
            if labelled and "label" not in files:
                problems.append(Problem(name, "dataset.json lists no label for it", "one label per case", "add it"))
            if name in cases:
                problems.append(Problem(name, "dataset.json lists it twice", "each case once", "remove one entry"))
            paths = {key: str(path) for key, path in files.items()}
            cases[name] = {"case": name, "patient": name, "modalities": order, **paths}
        faulty = {problem.case for problem in problems}
        return [case for name, case in cases.items() if name not in faulty], problems

    def channels_of(self, root: Path) -> list[str]:
        """Return our names of a task's channels, in the order of its files.

        Raises:
            DatasetError: dataset.json cannot be read, or its channels are others.
        """
        order, problems = self._channel_names(self._read(root / "dataset.json"))
        if problems:
            raise DatasetError(root, problems)
        return order

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            problem = Problem("dataset.json", str(error), "the data set's description", "give the folder that holds it")
            raise DatasetError(path.parent, [problem]) from error

    def _channel_names(self, description: Mapping[str, Any]) -> tuple[list[str], list[Problem]]:
        modality = description.get("modality", {})
        found = [str(modality[number]) for number in sorted(modality, key=int)]
        ours = {spelling: name for name, spellings in self.modalities.items() for spelling in spellings}
        order = [ours.get(name.lower(), name) for name in found]
        if sorted(order) == sorted(self.modalities):
            return order, []
        expected = ", ".join(f"{name} ({' or '.join(spellings)})" for name, spellings in self.modalities.items())
        return order, [
            Problem("dataset.json", f"modality lists {', '.join(found) or 'nothing'}", expected, "name the channels so")
        ]

    def _wrong_labels(self, description: Mapping[str, Any]) -> list[Problem]:
        names = description.get("labels", {})
        return [
            Problem(
                "dataset.json",
                f"label {value} is called {names.get(value)!r}",
                f"a name with {word!r} in it, as the regions {dict(self.regions)} count on it",
                "give the layout the regions of your labels",
            )
            for value, word in self.labels.items()
            if word not in str(names.get(value, "")).lower()
        ]
