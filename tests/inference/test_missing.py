"""Modalities that may be missing are empty to the network, and told; without leave the case fails."""

from pathlib import Path
from typing import Any

import pytest

from iunet_med.inference import segment
from iunet_med.inference.intake.listing import list_inputs

TINY: dict[str, Any] = {"channels": [4, 8], "roi_size": [16, 16, 16], "amp": False, "spacing": [1.5, 1.5, 1.5]}


@pytest.fixture
def without_t1(heads: Path) -> Path:
    """Three heads, of which the first has neither t1 nor t2."""
    for name in ("t1n", "t2w"):
        (heads / "GLI-1-000" / f"GLI-1-000-{name}.nii.gz").unlink()
    return heads


def run(scans: Path, bundle: Path, out: Path, **options: Any) -> dict[str, Any]:
    results = segment(scans, output=out, bundle=bundle, settings=TINY, device="cpu", **options)
    return {result.case: result for result in results}


def test_the_network_sees_an_empty_image(without_t1: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    results = run(without_t1, tiny_bundle, tmp_path / "out", allow_missing=["t1", "t2"])
    assert {result.status != "failed" for result in results.values()} == {True}
    (told,) = (one.message for one in results["GLI-1-000"].findings if one.check == "missing-modality")
    assert told.startswith("t1, t2 is not there")
    assert "missing-modality" not in {one.check for one in results["GLI-2-000"].findings}


def test_without_leave_the_case_fails_and_says_how(without_t1: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    results = run(without_t1, tiny_bundle, tmp_path / "out", allow_missing=["t1"])
    assert results["GLI-1-000"].status == "failed"
    assert "no file for t2" in results["GLI-1-000"].reason
    assert "--allow-missing t2" in results["GLI-1-000"].reason
    assert results["GLI-2-000"].status != "failed"


def test_unknown_and_all_modalities_are_refused(heads: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    for names, found in ((["t3"], "unknown t3"), (["t1", "t1c", "t2", "flair"], "all of them")):
        with pytest.raises(ValueError, match=f"--allow-missing: expected some of t1, t1c, t2, flair, .*found {found}"):
            run(heads, tiny_bundle, tmp_path / "out", allow_missing=names)


def test_the_listing_knows_them(without_t1: Path, tiny_bundle: Path) -> None:
    listing = list_inputs(without_t1, bundle=tiny_bundle, allow_missing=["t1", "t2"])
    assert listing.is_complete
    assert not list_inputs(without_t1, bundle=tiny_bundle).is_complete
