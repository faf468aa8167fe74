"""Finds the predicted label maps of cases: which are missing, which are there twice, which belong to no case."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from shlex import quote

from iunet_med.datasets.layouts import Case
from iunet_med.evaluation.volumes import label_file

_ENDINGS = ("", "_seg", "-seg")
_PACKED = (".nii.gz", ".nii")


def find_prediction(folder: Path, case: Case) -> Path:
    """Find the label map of a case: `CASE.nii.gz` or `CASE_seg.nii.gz`, in `folder` or in a folder `CASE` there.

    The true label map itself is no prediction.

    Raises:
        FileNotFoundError: there is none.
        ValueError: there are several.
    """
    name, found = case["case"], _candidates(folder, case)
    if not found:
        raise FileNotFoundError(_missing({folder: [name]}, present=[]))
    if len(found) > 1:
        raise ValueError(
            f"{name}: {folder} has {len(found)} predictions of it, {' and '.join(str(path) for path in found)}; one is "
            "expected; remove the others, or put each into a folder of its own and name both folders."
        )
    return found[0]


def require_predictions(cases: Sequence[Case], folders: Iterable[Path]) -> None:
    """Look for one prediction of each case in each folder.

    Raises:
        FileNotFoundError: names every case without one, and what to type to score the others alone.
        ValueError: a case has several in one folder.
    """
    missing: dict[Path, list[str]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} is no folder; name the folder that holds the predictions.")
        for case in cases:
            if _candidates(folder, case):
                find_prediction(folder, case)
            else:
                missing.setdefault(folder, []).append(case["case"])
    if missing:
        absent = {name for names in missing.values() for name in names}
        raise FileNotFoundError(_missing(missing, present=[c["case"] for c in cases if c["case"] not in absent]))


def foreign_predictions(folder: Path, known: Iterable[str]) -> list[str]:
    """Name the cases that a folder holds predictions of, and that are not among the `known` ones."""
    names = set(known)
    files = [path for path in sorted(folder.iterdir()) if path.name.endswith(_PACKED) and path.is_file()]
    possible = [_case_names(path) for path in files]
    possible += [[path.name] for path in sorted(folder.iterdir()) if path.is_dir() and _files_of(path, path.name)]
    return [found[-1] for found in possible if found and not names & set(found)]


def _candidates(folder: Path, case: Case) -> list[Path]:
    name, truth = case["case"], label_file(case)
    paths = [*_files_of(folder, name), *_files_of(folder / name, name)]
    return [path for path in paths if not (truth.exists() and path.samefile(truth))]


def _files_of(folder: Path, name: str) -> list[Path]:
    paths = [folder / f"{name}{ending}{packed}" for ending in _ENDINGS for packed in _PACKED]
    return [path for path in paths if path.is_file()]


def _case_names(path: Path) -> list[str]:
    """The cases that a file may be the prediction of, the likeliest last; none for probabilities."""
    name = path.name.removesuffix(".gz").removesuffix(".nii")
    shorter = [name[: -len(ending)] for ending in _ENDINGS if ending and name.endswith(ending)]
    return [] if name.endswith("_prob") else [name, *shorter]


def _missing(missing: Mapping[Path, Sequence[str]], *, present: Sequence[str]) -> str:
    """Say which cases lack a prediction, and how to score those that have one."""
    each = "; ".join(
        f"{folder} has no prediction of {len(names)} case{'s' * (len(names) != 1)}: {', '.join(names)}"
        for folder, names in missing.items()
    )
    few = 0 < len(present) <= 5 and not any("," in name for name in present)
    some = quote(",".join(present)) if few else "NAMES"
    return (
        f"{each}. Needed for each case: CASE_seg.nii.gz or CASE.nii.gz (not the true label map itself), in the folder "
        f"or in a folder CASE there. Segment these cases, or score {len(present) or 'some'} others alone by "
        f"--cases {some} (names, patterns such as 'BraTS-*', or a text file with one name per line), or the fold that "
        "was held out in training by --datalist FILE --fold N."
    )
