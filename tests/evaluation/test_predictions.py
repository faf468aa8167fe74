"""Each case needs one prediction in each folder; all that is missing is told at once."""

from pathlib import Path
from typing import Any

import pytest

from iunet_med.evaluation.predictions import find_prediction, foreign_predictions, require_predictions


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def case(root: Path, name: str) -> dict[str, Any]:
    return {"case": name, "label": str(root / "truth" / f"{name}_seg.nii.gz")}


@pytest.mark.parametrize("name", ["a.nii.gz", "a_seg.nii.gz", "a-seg.nii.gz", "a/a.nii.gz", "a/a_seg.nii"])
def test_a_prediction_is_found_by_its_case(tmp_path: Path, name: str) -> None:
    touch(tmp_path / "aa.nii.gz", tmp_path / name)
    assert find_prediction(tmp_path, case(tmp_path, "a")) == tmp_path / name


def test_the_truth_is_no_prediction(tmp_path: Path) -> None:
    touch(Path(case(tmp_path, "a")["label"]))
    with pytest.raises(FileNotFoundError, match=r"truth has no prediction of 1 case: a\. Needed"):
        find_prediction(tmp_path / "truth", case(tmp_path, "a"))
    touch(tmp_path / "truth" / "a.nii.gz")
    assert find_prediction(tmp_path / "truth", case(tmp_path, "a")).name == "a.nii.gz"


def test_two_predictions_of_a_case_are_refused(tmp_path: Path) -> None:
    touch(tmp_path / "a.nii.gz", tmp_path / "a" / "a_seg.nii.gz")
    with pytest.raises(ValueError, match=r"a: .* has 2 predictions of it, .*a\.nii\.gz and .*a_seg\.nii\.gz; one is"):
        require_predictions([case(tmp_path, "a")], [tmp_path])


def test_all_missing_predictions_are_told_with_what_to_type(tmp_path: Path) -> None:
    cases = [case(tmp_path, name) for name in ("a", "b", "c 1", "d")]
    one, two = tmp_path / "one", tmp_path / "two"
    touch(one / "a.nii.gz", one / "c 1.nii.gz", *(two / f"{name}.nii.gz" for name in ("a", "b", "c 1")))
    with pytest.raises(FileNotFoundError) as caught:
        require_predictions(cases, [one, two])
    text = str(caught.value)
    assert f"{one} has no prediction of 2 cases: b, d; {two} has no prediction of 1 case: d." in text
    assert "2 others alone by --cases 'a,c 1' " in text
    assert "--datalist FILE --fold N" in text
    require_predictions([cases[0], cases[2]], [one, two])
    with pytest.raises(FileNotFoundError, match="none is no folder"):
        require_predictions(cases, [tmp_path / "none"])


def test_predictions_of_unknown_cases_are_named(tmp_path: Path) -> None:
    touch(*(tmp_path / f"{name}.nii.gz" for name in ("a", "b_seg", "x_prob", "b_seg_seg")))
    touch(tmp_path / "c" / "c_seg.nii.gz", tmp_path / "d" / "d-seg.nii", tmp_path / "e" / "other.nii.gz")
    assert foreign_predictions(tmp_path, ["a", "c", "b"]) == ["b_seg", "d"]
    assert foreign_predictions(tmp_path, ["a", "b_seg", "c", "d"]) == []
