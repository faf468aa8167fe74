"""Older files of a failed case stay if they are of the same inputs, else they are set aside; none is deleted."""

from pathlib import Path

import pytest

from iunet_med.inference.results.earlier import keep_earlier
from iunet_med.inference.results.sidecar import CaseResult, write_sidecar

FILES = ("a_seg.nii.gz", "a_seg.dcm")


def older(output: Path, digest: str) -> None:
    write_sidecar(output, CaseResult("a", "ok", "", (), (), FILES[:1], 1.0, 1.0, "k", {"inputs_sha256": digest}))
    (output / "a" / "a_seg.nii.gz").write_text("labels")


def test_files_of_the_same_inputs_stay(tmp_path: Path) -> None:
    older(tmp_path, "same")
    said = keep_earlier(tmp_path, "a", files=FILES, inputs_sha256="same")
    assert said == "the files a_seg.nii.gz are of an earlier run with the same images, and were kept"
    assert (tmp_path / "a" / "a_seg.nii.gz").read_text() == "labels"


@pytest.mark.parametrize("digest", ["other", ""])
def test_files_of_other_or_unknown_inputs_are_set_aside(tmp_path: Path, digest: str) -> None:
    older(tmp_path, "")
    for _ in range(2):  # a second failure leaves them there
        said = keep_earlier(tmp_path, "a", files=FILES, inputs_sha256=digest)
        assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["earlier"]
        assert (tmp_path / "a" / "earlier" / "a_seg.nii.gz").read_text() == "labels"
        assert (tmp_path / "a" / "earlier" / "a_seg.json").exists()
    assert said == ""


def test_a_case_without_files_has_nothing_to_say(tmp_path: Path) -> None:
    assert keep_earlier(tmp_path, "a", files=FILES, inputs_sha256="x") == ""
