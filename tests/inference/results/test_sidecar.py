"""A sidecar returns what was written, and marks a case as finished only with its files and the same key."""

from dataclasses import replace
from pathlib import Path

from iunet_med.checks.finding import Finding
from iunet_med.checks.measures import RegionMeasure
from iunet_med.inference.results.sidecar import CaseResult, finished, read_sidecar, sidecar_path, write_sidecar

RESULT = CaseResult(
    case="a",
    status="warning",
    reason="",
    findings=(Finding("warning", "grid", "moved"),),
    measures=(
        RegionMeasure("ET", 3, 1.5, (0, 1, 2, 3, 4, 5), 2, 1.0, True, 40.1, 41.0, 3.5),
        RegionMeasure("TC", 1, 0.0, (), 0, 0.0, False, None, None, None),
    ),
    files=("a_seg.nii.gz",),
    seconds=1.25,
    peak_mib=100.5,
    key="k",
    made_by={"software": {"iunet-med": "0"}},
)


def test_round_trip(tmp_path: Path) -> None:
    write_sidecar(tmp_path, RESULT)
    assert read_sidecar(tmp_path, "a") == RESULT
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["a_seg.json"]


def test_finished_needs_key_files_and_success(tmp_path: Path) -> None:
    write_sidecar(tmp_path, RESULT)
    assert finished(tmp_path, "a", "k") is None
    (tmp_path / "a" / "a_seg.nii.gz").touch()
    assert finished(tmp_path, "a", "k") == RESULT
    assert finished(tmp_path, "a", "other") is None
    write_sidecar(tmp_path, replace(RESULT, status="failed"))
    assert finished(tmp_path, "a", "k") is None


def test_what_is_no_sidecar_counts_as_none(tmp_path: Path) -> None:
    assert read_sidecar(tmp_path, "a") is None
    path = sidecar_path(tmp_path, "a")
    path.parent.mkdir()
    for text in ("", "{", "[]", '{"case": "a"}', '{"findings": [], "measures": [], "files": [], "more": 1}'):
        path.write_text(text)
        assert read_sidecar(tmp_path, "a") is None
