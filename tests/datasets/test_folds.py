"""Splits keep a patient's scans together, and depend on names and seed alone."""

from typing import Any

import pytest

from iunet_med.datasets import split_cases
from iunet_med.datasets.folds import assign_folds


def named(*patients: str) -> list[dict[str, Any]]:
    return [{"case": f"{patient}-{scan}", "patient": patient} for patient in patients for scan in range(2)]


def test_split_keeps_patients_together_and_depends_on_names_and_seed_alone() -> None:
    cases = named(*"abcdefghij")
    training, validation = split_cases(cases, validation=0.3, seed=1)
    held_out = {case["patient"] for case in validation}
    assert len(held_out) == 3
    assert held_out.isdisjoint(case["patient"] for case in training)
    assert len(training) + len(validation) == len(cases)
    _, reversed_order = split_cases(cases[::-1], validation=0.3, seed=1)
    assert {case["case"] for case in reversed_order} == {case["case"] for case in validation}
    assert any({c["patient"] for c in split_cases(cases, validation=0.3, seed=s)[1]} != held_out for s in range(2, 5))


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_split_leaves_a_patient_on_each_side(share: float) -> None:
    training, validation = split_cases(named("a", "b"), validation=share)
    assert len(training) == len(validation) == 2


def test_one_patient_can_be_validated_on_itself_alone() -> None:
    with pytest.raises(
        ValueError, match=r"got 1 patient \(a\); expected .*; add patients, or pass --validation_fraction 0"
    ):
        split_cases(named("a"))
    assert split_cases(named("a"), validation=0) == (named("a"), named("a"))


def test_folds_hold_every_patient_once_and_are_of_equal_size() -> None:
    cases = assign_folds(named(*"abcdefghijk"), folds=4, seed=3)
    parts = [{case["patient"] for case in cases if case["fold"] == fold} for fold in range(4)]
    assert sorted(len(part) for part in parts) == [2, 3, 3, 3]
    assert set().union(*parts) == set("abcdefghijk")
    assert assign_folds(named(*"kjihgfedcba"), folds=4, seed=3)[0]["fold"] == cases[-1]["fold"]


def test_a_fold_is_validated_on_and_the_others_are_trained_on() -> None:
    cases = assign_folds(named(*"abcdef"), folds=3)
    for fold in range(3):
        training, validation = split_cases(cases, fold=fold)
        assert {case["fold"] for case in validation} == {fold}
        assert {case["fold"] for case in training} == {0, 1, 2} - {fold}


def test_impossible_folds_are_refused() -> None:
    with pytest.raises(ValueError, match=r"3 folds of 2 patients; expected two or more folds, each with a patient"):
        assign_folds(named("a", "b"), folds=3)
    with pytest.raises(ValueError, match=r"fold is 5, and no case .*; there are \[0, 1\]: pass --fold N"):
        split_cases(assign_folds(named("a", "b"), folds=2), fold=5)
