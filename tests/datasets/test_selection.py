"""Cases are chosen by names, patterns, files of names and folds; what fits nothing is told with what there is."""

from pathlib import Path

import pytest

from iunet_med.datasets.problems import Problem
from iunet_med.datasets.selection import Found, choose_cases, listing, read_names

NAMES = ("GLI-1", "GLI-2", "MET [x]", "GLI-10")


def found(*problems: Problem, folds: bool = True) -> Found:
    cases = [{"case": name, "patient": name, **({"fold": i % 2} if folds else {})} for i, name in enumerate(NAMES)]
    return Found(Path("data"), cases, problems, unpacked=False)


def chosen(*names: str, fold: int | None = None) -> list[str]:
    return [case["case"] for case in choose_cases(found(), names=names, fold=fold).cases]


def test_names_come_from_comma_lists_and_files(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_bytes(b"\xef\xbb\xbfc, d\r\n\r\n e \r\n")
    assert read_names(["a, b,", str(tmp_path / "names.txt")]) == ["a", "b", "c, d", "e"]
    for texts, text in (([" ,"], "names no case"), ([str(tmp_path / "no.txt")], r"no\.txt is no list of cases")):
        with pytest.raises(ValueError, match=text):
            read_names(texts)


def test_cases_are_chosen_by_name_pattern_and_fold() -> None:
    assert chosen() == list(NAMES)
    assert chosen("GLI-1") == ["GLI-1"]
    assert chosen("GLI-1*", "GLI-10") == ["GLI-1", "GLI-10"]
    assert chosen("MET [x]") == ["MET [x]"]
    assert chosen(fold=1) == ["GLI-2", "GLI-10"]
    assert chosen("GLI-1*", fold=1) == ["GLI-10"]


def test_a_name_that_fits_nothing_is_told_with_the_closest() -> None:
    with pytest.raises(ValueError, match=r"data has no case GLI_2, x\*; its cases are GLI-2, GLI-1, GLI-10, MET \[x\]"):
        chosen("GLI_2", "GLI-1", "x*")


@pytest.mark.parametrize(
    ("folds", "fold", "text"),
    [
        (True, 7, r"is 7, .* there are \[0, 1\]"),
        (False, 0, r"fold 0 was asked for, .* cases of data have no folds"),
    ],
)
def test_a_fold_that_is_not_there_is_told(folds: bool, fold: int, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        choose_cases(found(folds=folds), fold=fold)


def test_faults_of_other_cases_are_no_hindrance_those_of_all_are() -> None:
    bad = [Problem(case, "this", "that", "cure") for case in ("GLI-3", "GLI-4", "dataset.json")]
    assert choose_cases(found(*bad), names=["GLI-1", "GLI-3"]).problems == [bad[0], bad[2]]
    assert choose_cases(found(*bad)).problems == tuple(bad)


def test_long_lists_are_cut() -> None:
    assert listing(["a", "b"], limit=2) == "a, b"
    assert listing(["a", "b", "c", "d"], limit=2) == "a, b and 2 more"
