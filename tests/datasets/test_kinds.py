"""Patterns go before words, and fit names, paths below the root and folders in any case."""

from pathlib import Path

import pytest

from iunet_med.datasets.kinds import Kinds, fits, images_among, stem_of
from iunet_med.datasets.names import split_name

ROOT = Path("data")
KINDS = Kinds(ROOT, {"t1": "", "t1c": "*_0001*", "flair": "*/S5/*"})


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("P01_T1.nii", ["t1"]),
        ("P01_0001_t1.nii", ["t1c"]),
        ("P01_t1c.nii", []),
        ("P01/s5/x.nii", ["flair"]),
        ("P01/S5", ["flair"]),
        ("P01_t2.nii", []),
    ],
)
def test_what_a_path_is_taken_for(path: str, kinds: list[str]) -> None:
    assert KINDS.of(ROOT / path, split_name(stem_of(Path(path).name)).words) == kinds


def test_the_text_before_a_pattern_names_the_case() -> None:
    assert KINDS.before(ROOT / "Case_7_0001.nii") == "Case_7"
    assert KINDS.before(ROOT / "P01_t1.nii") == ""


def test_fitting_knows_no_case() -> None:
    assert fits(ROOT / "A" / "X.NII", "a/x.nii", ROOT)
    assert not fits(ROOT / "A" / "X.NII", "b/*", ROOT)


def test_endings() -> None:
    assert images_among(["a.nii.gz", "B.MHA", "c.txt"]) == ["a.nii.gz", "B.MHA"]
    assert [stem_of(name) for name in ("a.b.nii.gz", "B.MHA", "c.txt")] == ["a.b", "B", "c.txt"]
