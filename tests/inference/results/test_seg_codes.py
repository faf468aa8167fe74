"""Codes are those of DICOM's tables, and every label of the bundles has its own."""

import json
from pathlib import Path

import pytest
from pydicom.sr._concepts_dict import concepts

from iunet_med.inference.results.seg_codes import ABNORMAL, LESIONS, ORGAN, ORGANS, SIDES, TISSUE, segment_codes

ROOT = Path(__file__).parents[3]
KNOWN = {(code, meaning) for found in concepts["SCT"].values() for code, (meaning, _) in found.items()}


@pytest.mark.parametrize("code", [ABNORMAL, ORGAN, TISSUE, *LESIONS.values(), *ORGANS.values(), *SIDES.values()])
def test_codes_are_dicom_s(code: tuple[str, str]) -> None:
    assert tuple(code) in KNOWN


@pytest.mark.parametrize(
    ("name", "meanings"),
    [
        ("vertebrae", (ORGAN.meaning, "Vertebra", "")),
        ("rib_left_4", (ORGAN.meaning, "Rib", "Left")),
        ("Left lung", (ORGAN.meaning, "Lung", "Left")),
        ("liver tumour", (ABNORMAL.meaning, "Neoplasm", "")),
        ("enhancing", ("Tissue", "Tissue", "")),
    ],
)
def test_names_are_understood(name: str, meanings: tuple[str, ...]) -> None:
    assert tuple(code.meaning if code else "" for code in segment_codes(name)) == meanings


@pytest.mark.parametrize("bundle", ["iunet_ct_organs", "iunet_hippocampus_mri"])
def test_organs_of_the_bundles_have_codes(bundle: str) -> None:
    described = json.loads((ROOT / "bundle" / bundle / "configs" / "metadata.json").read_text())
    names = described["network_data_format"]["outputs"]["pred"]["channel_def"]
    for value, name in names.items():
        assert value == "0" or segment_codes(name).category == ORGAN, name
