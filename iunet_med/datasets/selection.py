"""Chooses some of the cases that were found: by their names, or those of the fold that was held out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path

from iunet_med.datasets.folds import split_cases
from iunet_med.datasets.layouts import Case
from iunet_med.datasets.problems import Problem

_OF_ALL_CASES = ("data set", "dataset.json", "datalist", "layout")
"""What a `Problem` names in place of a case when it concerns all of them."""


@dataclass(frozen=True)
class Found:
    """The cases of a folder or of a datalist, by names alone.

    Args:
        root: the folder or the datalist.
        cases: the complete cases.
        problems: what is wrong with the others.
        unpacked: whether the files were read as a whole before, as those of a datalist were when it was made.
    """

    root: Path
    cases: Sequence[Case]
    problems: Sequence[Problem]
    unpacked: bool


def read_names(texts: Sequence[str]) -> list[str]:
    """Return the names in comma lists, and in `*.txt` files with one name per line.

    Raises:
        ValueError: a file cannot be read, or there is no name at all.
    """
    names: list[str] = []
    for text in texts:
        if not text.endswith(".txt"):
            names += text.split(",")
            continue
        try:
            names += Path(text).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(
                f"{text} is no list of cases ({error}); give a text file with one name per line."
            ) from error
    if chosen := [name.strip() for name in names if name.strip()]:
        return chosen
    raise ValueError(f"{', '.join(texts) or 'nothing'!r} names no case; give names, as in `--cases case-1,case-2`.")


def choose_cases(found: Found, *, names: Sequence[str] = (), fold: int | None = None) -> Found:
    """Keep the cases of a fold and of some names, and the problems that concern them.

    Args:
        found: all cases.
        names: names, or patterns such as `BraTS-GLI-*`; all cases where there are none.
        fold: the fold of a datalist; its cases are those that a training with this fold validates on.

    Raises:
        ValueError: a name fits no case, or the cases have no such fold.
    """
    cases = list(found.cases) if fold is None else _of_fold(found, fold)
    if not names:
        return replace(found, cases=cases)
    faulty = [problem.case for problem in found.problems if problem.case not in _OF_ALL_CASES]
    known = list(dict.fromkeys([str(case["case"]) for case in cases] + faulty))
    if unknown := [name for name in dict.fromkeys(names) if not _matching(name, known)]:
        raise ValueError(_unknown(unknown, known, found.root))
    wanted = {fitting for name in names for fitting in _matching(name, known)}
    kept = [problem for problem in found.problems if problem.case in {*wanted, *_OF_ALL_CASES}]
    return replace(found, cases=[case for case in cases if case["case"] in wanted], problems=kept)


def _unknown(unknown: Sequence[str], known: Sequence[str], root: Path) -> str:
    close = dict.fromkeys(near for name in unknown for near in get_close_matches(name, known, n=1))
    return (
        f"{root} has no case {', '.join(unknown)}; its cases are {listing([*close, *sorted(set(known) - {*close})])}: "
        "correct the names, or use patterns such as 'BraTS-GLI-*'."
    )


def listing(names: Sequence[str], *, limit: int = 10) -> str:
    """Join names for a message; of many, some and the number of the others."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def _of_fold(found: Found, fold: int) -> list[Case]:
    if not any("fold" in case for case in found.cases):
        raise ValueError(
            f"fold {fold} was asked for, and the cases of {found.root} have no folds; give a list that has them: "
            "write it by `iunet-med datalist FOLDER --out FILE`, and pass --datalist FILE --fold N."
        )
    return split_cases(found.cases, fold=fold)[1]


def _matching(pattern: str, names: Sequence[str]) -> list[str]:
    """The names that are a pattern or fit it; brackets in a name stand for themselves."""
    return [pattern] if pattern in names else [name for name in names if fnmatchcase(name, pattern)]
