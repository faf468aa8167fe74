"""The page of a run links the files that are there, and only these."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

from iunet_med.inference.bundle import Bundle
from iunet_med.inference.page.run_page import write_overview
from iunet_med.inference.results.sidecar import CaseResult


def test_files_that_are_there_are_linked(tmp_path: Path) -> None:
    bundle = cast(Bundle, SimpleNamespace(name="b", version="1", weights_sha256="0" * 64, notice="n"))
    (tmp_path / "a 1").mkdir()
    for name in ("a 1_seg.nii.gz", "a 1_seg.json"):
        (tmp_path / "a 1" / name).touch()
    files = ("a 1_seg.nii.gz", "a 1_seg.nrrd")
    results = [CaseResult("a 1", "ok", "", (), (), files, 1.0, 1.0, "", {})]
    results += [CaseResult("b", "failed", "gone", (), (), (), 1.0, 1.0, "", {})]
    write_overview(tmp_path, results, bundle)
    page = (tmp_path / "report.html").read_text()
    assert page.count('href="./') == 2
    assert 'href="./a%201/a%201_seg.nii.gz"' in page
    assert 'href="./a%201/a%201_seg.json"' in page
    assert (tmp_path / "summary.csv").exists()
