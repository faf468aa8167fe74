"""Any folder of cases whose files carry the field's names: a folder per case or visit, flat folders, BIDS."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import combinations
from pathlib import Path

from iunet_med.data.layouts import Case
from iunet_med.data.names import CONTRAST, FileName, kind_of, shorten, split_name
from iunet_med.data.problems import Problem
from iunet_med.data.walk import walk
from iunet_med.volumes import ENDINGS

_DATE = re.compile(r"\d{8}|\d{4}[-_.]\d\d[-_.]\d\d")
_INNER = {"anat", "nifti", "nii", "mr", "mri", "images"}
"""Folders inside a case's, which do not name it."""

LABEL_CURE = "name the label by seg, label or mask, or give a layout of your own the pattern `label`"


@dataclass
class Group:
    """The images of one case, and what each is taken for."""

    name: str
    patient: str
    folders: set[Path] = field(default_factory=set)
    images: list[tuple[Path, FileName]] = field(default_factory=list)
    taken: dict[str, list[Path]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class NamedLayout:
    """Cases whose files are known by the names in `iunet_med.data.names`, or by patterns.

    The files of a folder are one case, unless what stands before their descriptions tells several (`P01_t1`, `P02_t1`).
    A folder that is called by a date is named after the one above, too. Files of BIDS (`sub-01_ses-1_T1w`) are cases by
    subject and session; below `derivatives` only labels count.

    Args:
        modalities: for each modality's name the pattern of its file's path, below the data set's folder or its own,
            upper and lower case alike; an empty one stands for the field's names.
        regions: for each region's name the label values that it is made of.
        label: the same for the label.
    """

    modalities: Mapping[str, str]
    regions: Mapping[str, Sequence[int]]
    label: str = ""

    def find(self, root: Path, *, labelled: bool) -> tuple[list[Case], list[Problem]]:
        """List the complete cases below `root`, and what is wrong with the others."""
        cases: list[Case] = []
        problems: list[Problem] = []
        for group in self.groups(root):
            if faults := [*_repeated(group), *self._faults(group, root, labelled=labelled)]:
                problems += faults
                continue
            case: Case = {"case": group.name, "patient": group.patient}
            case["image"] = [str(group.taken[name][0]) for name in self.modalities]
            case["modalities"] = list(self.modalities)
            if labelled:
                case["label"] = str(group.taken["label"][0])
            cases.append(case)
        return cases, problems

    def groups(self, root: Path) -> list[Group]:
        """Collect the images of each case below `root`."""
        found = [group for folder, _, names in walk(root) for group in self._groups(root, folder, _images(names))]
        for group in found:
            self._take(group, root)
        _tell_apart([group for group in found if _has_modality(group)])
        merged: dict[str, Group] = {}
        for group in found:
            before = merged.get(group.name)
            if before is None:
                merged[group.name] = group
            elif group.name.startswith("sub-") or not _has_modality(group) or not _has_modality(before):
                before.images += group.images
                self._take(before, root)
            else:
                before.folders |= group.folders
        some = any(map(_has_modality, merged.values()))
        return [group for group in merged.values() if _has_modality(group) or not (some and _is_beside(group, merged))]

    def _groups(self, root: Path, folder: Path, names: Sequence[str]) -> list[Group]:
        """Share the images of one folder out to cases."""
        parts = folder.relative_to(root).parts
        if "sourcedata" in parts:
            return []
        groups: dict[str, Group] = {}
        images = []
        for name in names:
            if bids := _bids(stem_of(name)):
                group = groups.setdefault(bids[0], Group(*bids[:2], {folder}))
                group.images.append((folder / name, bids[2]))
            else:
                images.append((folder / name, split_name(stem_of(name))))
        if not images or "derivatives" in parts:
            return list(groups.values())
        whole, patient = _folder_names(root, parts)
        telling = [(path, words) for path, words in images if self._kinds(path, words.words, root)]
        prefixes = {words.prefix.casefold(): words.prefix for _, words in telling}
        if self._is_one_case(telling, root, inner=folder != root):
            prefix = next(iter(prefixes.values()), "") if folder == root and len(prefixes) == 1 else ""
            return [*groups.values(), Group(prefix or whole, prefix or patient, {folder}, images)]
        for path, words in images:
            name = prefixes.get(words.prefix.casefold(), "") or whole
            groups.setdefault(name, Group(name, name, {folder})).images.append((path, words))
        return list(groups.values())

    def _is_one_case(self, telling: Sequence[tuple[Path, FileName]], root: Path, *, inner: bool) -> bool:
        prefixes = {words.prefix.casefold() for _, words in telling}
        if len(prefixes) <= 1:
            return True
        counts = Counter(kind for path, words in telling for kind in self._kinds(path, words.words, root))
        # numbers of series, or words that are no patient's code, before the descriptions
        loose = inner and all(text.isdigit() or not any(map(str.isdigit, text)) for text in prefixes)
        return max(counts.values()) == 1 and (loose or all(self.modalities.values()))

    def _kinds(self, path: Path, words: Sequence[str], root: Path) -> list[str]:
        """Name what a file is: by the patterns that it fits, else by its words."""
        patterns = {**self.modalities, "label": self.label}
        fitting = [name for name, pattern in patterns.items() if pattern and fits(path, pattern, root)]
        kind = kind_of(words)
        return fitting or ([kind] if kind in patterns and not patterns[kind] else [])

    def _take(self, group: Group, root: Path) -> None:
        telling = [one for one in group.images if self._kinds(one[0], one[1].words, root)]
        short = shorten([words.words for _, words in telling])
        group.taken = {}
        for (path, _), words in zip(telling, short, strict=True):
            derived = "derivatives" in path.relative_to(root).parts
            for kind in self._kinds(path, words, root):
                if kind == "label" or not derived:
                    group.taken.setdefault(kind, []).append(path)

    def _faults(self, group: Group, root: Path, *, labelled: bool) -> list[Problem]:
        wanted = [*self.modalities, *(["label"] if labelled else [])]
        shown = {name: [_below(path, root) for path in group.taken.get(name, [])] for name in wanted}
        faults = []
        if missing := [name for name, found in shown.items() if not found]:
            known = ", ".join(f"{name} ({', '.join(found)})" for name, found in shown.items() if found) or "nothing"
            used = {path for paths in group.taken.values() for path in paths}
            others = ", ".join(_below(path, root) for path, _ in group.images if path not in used)
            more = f"; not recognised: {others}" if others else ""
            faults.append((missing[0], f"no file for {', '.join(missing)}; found {known}{more}"))
        for name, found in shown.items():
            if len(found) > 1:
                faults.append((name, f"{len(found)} files for {name}, {' and '.join(found)}"))
        for name, other in combinations(reversed(wanted), 2):
            if both := set(group.taken.get(name, [])) & set(group.taken.get(other, [])):
                faults.append((name, f"{_below(min(both), root)} fits both {other} and {name}"))
        if not faults:
            return []
        needed = f"one file each for {', '.join(wanted)}, by names such as t1, t1c or T1 post, t2, flair"
        came = "; ".join(text for _, text in faults)
        first = faults[0][0]
        cure = LABEL_CURE if first == "label" else say_which(first, self.modalities)
        return [Problem(group.name, came, needed, cure)]


def fits(path: Path, pattern: str, root: Path) -> bool:
    """Return True if a file's name, or its path below `root`, fits a pattern; upper and lower case are alike."""
    names = (path.name, path.relative_to(root).as_posix())
    return any(fnmatchcase(name.casefold(), pattern.casefold()) for name in names)


def say_which(name: str, modalities: Mapping[str, object]) -> str:
    """Say how a user tells the files of a modality."""
    columns = ",".join(["case", *modalities])
    return (
        f"rename the files, say which is meant by `iunet-med segment --map {name}='PATTERN'` or in a layout of your "
        f"own, or give `segment` a CSV list headed {columns}; `iunet-med segment FOLDER --list` prints one filled in"
    )


def stem_of(name: str) -> str:
    """A file's name without the ending of its format."""
    ending = next((ending for ending in ENDINGS if name.lower().endswith(ending)), "")
    return name[: len(name) - len(ending)]


def _images(names: Sequence[str]) -> list[str]:
    return [name for name in names if name.lower().endswith(ENDINGS)]


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _has_modality(group: Group) -> bool:
    return bool(group.taken.keys() - {"label"})


def _is_beside(group: Group, groups: Mapping[str, Group]) -> bool:
    """Return True for labels alone, and for other images in a folder at, above or below one with a case's images."""
    others = {folder for other in groups.values() if _has_modality(other) for folder in other.folders}
    return "label" in group.taken or any(
        mine == other or other in mine.parents or mine in other.parents for mine in group.folders for other in others
    )


def _repeated(group: Group) -> list[Problem]:
    if len(group.folders) == 1 or group.name.startswith("sub-"):
        return []
    came = f"several folders, {' and '.join(map(str, sorted(group.folders)))}"
    return [Problem(group.name, came, "one case per name", "rename one of them")]


def _folder_names(root: Path, parts: Sequence[str]) -> tuple[str, str]:
    """Name the case and the patient of a folder by the parts of its path."""
    kept = list(parts)
    while len(kept) > 1 and kept[-1].casefold() in _INNER:
        kept.pop()
    if len(kept) > 1 and _DATE.fullmatch(kept[-1]):
        return f"{kept[-2]}_{kept[-1]}", kept[-2]
    return (kept[-1], kept[-1]) if kept else (root.name, root.name)


def _tell_apart(groups: Sequence[Group]) -> None:
    """Put the name of the folder above before names that repeat, as in P01/baseline and P02/baseline."""
    counts = Counter(group.name for group in groups)
    for group in groups:
        (folder,) = group.folders
        if counts[group.name] > 1 and group.name == folder.name:
            group.name, group.patient = f"{folder.parent.name}_{group.name}", folder.parent.name


def _bids(stem: str) -> tuple[str, str, FileName] | None:
    """Return the case, the patient and the description in a name such as sub-01_ses-1_ce-gd_T1w, else None."""
    *pairs, suffix = stem.split("_")
    entities = dict(pair.split("-", 1) for pair in pairs if "-" in pair)
    if "sub" not in entities or not stem.startswith("sub-"):
        return None
    case = "_".join(f"{key}-{entities[key]}" for key in ("sub", "ses") if key in entities)
    words = split_name(suffix).words
    for key in ("desc", "label"):
        words = (*split_name(entities.get(key, "")).words, *words)
    enhanced = entities.get("ce", "none") != "none" or CONTRAST & set(split_name(entities.get("acq", "")).words)
    return case, f"sub-{entities['sub']}", FileName(case, ("ce", *words) if enhanced else words)
