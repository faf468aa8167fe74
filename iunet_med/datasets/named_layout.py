"""Any folder of cases whose files carry the field's names: a folder per case or visit, flat folders, BIDS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from iunet_med.datasets.groups import Group, group_images
from iunet_med.datasets.kinds import Kinds, below_root
from iunet_med.datasets.layouts import Case
from iunet_med.datasets.problems import Problem, say_which

LABEL_CURE = "name the label by seg, label or mask, or give a layout of your own the pattern `label`"


@dataclass(frozen=True, kw_only=True)
class NamedLayout:
    """Cases whose files are known by the names in `iunet_med.datasets.names`, or by patterns.

    The files of a folder are one case, unless what stands before their descriptions tells several (`P01_t1`, `P02_t1`);
    numbers of series there do not. Folders of one series each, `P01/T1/x.nii` or `T1/P01.nii`, belong to the case of
    the folder above or of the file's name. A visit's folder, such as a date, is named after the one above, too. Files
    of BIDS (`sub-01_ses-1_T1w`) are cases by subject and session; below `derivatives` only labels count.

    Args:
        modalities: for each modality's name the pattern of its file's path, below the data set's folder or its own,
            upper and lower case alike; an empty one stands for the field's names.
        regions: for each region's name the label values that it is made of.
        label: the same for the label.
        optional: modalities that a case may lack, though not all of its modalities.
    """

    modalities: Mapping[str, str]
    regions: Mapping[str, Sequence[int]]
    label: str = ""
    optional: Sequence[str] = ()

    def find(self, root: Path, *, labelled: bool) -> tuple[list[Case], list[Problem]]:
        """List the complete cases below `root`, and what is wrong with the others."""
        cases: list[Case] = []
        problems: list[Problem] = []
        for group in self.groups(root):
            if faults := [*_repeated(group), *self._faults(group, root, labelled=labelled)]:
                problems += faults
                continue
            case: Case = {"case": group.name, "patient": group.patient}
            present = [name for name in self.modalities if name in group.taken]
            case["image"] = [str(group.taken[name][0]) for name in present]
            case["modalities"] = present
            if labelled:
                case["label"] = str(group.taken["label"][0])
            cases.append(case)
        return cases, problems

    def groups(self, root: Path) -> list[Group]:
        """Collect the images of each case below `root`."""
        return group_images(Kinds(root, {**self.modalities, "label": self.label}))

    def _faults(self, group: Group, root: Path, *, labelled: bool) -> list[Problem]:
        wanted = [*self.modalities, *(["label"] if labelled else [])]
        shown = {name: [below_root(path, root) for path in group.taken.get(name, [])] for name in wanted}
        faults = []
        absent = [name for name, found in shown.items() if not found]
        if missing := [name for name in absent if name not in self.optional or absent == wanted]:
            known = ", ".join(f"{name} ({', '.join(found)})" for name, found in shown.items() if found) or "nothing"
            others = ", ".join(below_root(path, root) for path in group.others)
            more = f"; not recognised: {others}" if others else ""
            faults.append((missing[0], f"no file for {', '.join(missing)}; found {known}{more}"))
        for name, found in shown.items():
            if len(found) > 1:
                faults.append((name, f"{len(found)} files for {name}, {' and '.join(found)}"))
        for name, other in combinations(reversed(wanted), 2):
            if both := set(group.taken.get(name, [])) & set(group.taken.get(other, [])):
                faults.append((name, f"{below_root(min(both), root)} fits both {other} and {name}"))
        if not faults:
            return []
        expected = f"one file each for {', '.join(wanted)}, by names such as t1, t1c or T1 post, t2, flair"
        told = "; ".join(text for _, text in faults)
        first = faults[0][0]
        cure = LABEL_CURE if first == "label" else say_which(first, self.modalities)
        return [Problem(group.name, told, expected, cure)]


def _repeated(group: Group) -> list[Problem]:
    if len(group.folders) == 1 or group.name.startswith("sub-"):
        return []
    found = f"several folders, {' and '.join(map(str, sorted(group.folders)))}"
    return [Problem(group.name, found, "one case per name", "rename one of them")]
