"""Label values become named segments and come back by their names, whatever their numbers."""

import pytest

from iunet_med.monai_label.segments import label_info, values_of

NAMES = {"necrosis": 1, "peritumoral oedema": 2, "enhancing": 4}


def test_values_are_described_in_ascending_order() -> None:
    described = label_info([4, 2], NAMES, title="Label")
    assert [one["name"] for one in described] == ["peritumoral oedema", "enhancing"]
    assert [one["segmentAttribute"]["labelID"] for one in described] == [2, 4]
    kind = described[0]["segmentAttribute"]["SegmentedPropertyTypeCodeSequence"]
    assert kind == {"CodeValue": "79654002", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Edema"}
    assert described[0]["segmentAttribute"]["recommendedDisplayRGBValue"] == [240, 228, 66]


def test_names_lead_back() -> None:
    numbered = {n: one["name"].upper() for n, one in enumerate(label_info([1, 4], NAMES, title=""), start=1)}
    assert values_of(numbered, NAMES) == {1: 1, 2: 4}


def test_unknown_values_and_names_are_told() -> None:
    with pytest.raises(ValueError, match=r"expected the label values 1 \(necrosis\), .*, got 3; change"):
        label_info([1, 3], NAMES, title="")
    with pytest.raises(ValueError, match=r"expected segments named necrosis, .*, got spleen; rename"):
        values_of({1: "necrosis", 2: "spleen"}, NAMES)
