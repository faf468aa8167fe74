"""What a run tells of itself: its bundle, where nothing else changed the meaning of its labels."""

import json
from pathlib import Path

import pytest

from iunet_med.inference.results.manifest import bundle_of


@pytest.mark.parametrize(
    ("text", "bundle"),
    [
        ({"bundle": {"folder": "iunet_ct_organs"}, "options": {"dicom_seg": True}}, "iunet_ct_organs"),
        ({"bundle": {"folder": "iunet_ct_organs"}, "options": {"configs": ["organs.json"]}}, ""),
        ({"bundle": {"folder": "iunet_ct_organs"}, "options": {"settings": {"organs": ["liver"]}}}, ""),
        ({"bundle": {"folder": "iunet_ct_organs"}}, ""),
        ([], ""),
    ],
)
def test_the_bundle_of_results(text: object, bundle: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps(text))
    assert bundle_of(tmp_path) == bundle


def test_other_folders_have_none(tmp_path: Path) -> None:
    assert bundle_of(tmp_path) == ""
    (tmp_path / "run.json").write_text("no JSON")
    assert bundle_of(tmp_path) == ""
