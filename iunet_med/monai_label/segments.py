"""Label values as the segments of a DICOM segmentation object, and back: names decide, as numbers need not agree."""

from collections.abc import Iterable, Mapping
from typing import Any

from iunet_med.inference.results.seg_codes import Code, segment_codes
from iunet_med.pictures.colours import label_colours

ALGORITHM = "MONAI Label"
"""What segments made by people say of how they were made; those that only a network made say `iunet-med`."""


def label_info(values: Iterable[int], names: Mapping[str, int], *, title: str) -> list[dict[str, Any]]:
    """Describe the values of a label map, in ascending order, as MONAI Label's `label_info` for a segmentation object.

    Args:
        values: those that occur, without the background.
        names: the label values by their names.
        title: the description of the series.

    Raises:
        ValueError: a value has no name.
    """
    found = sorted(set(values))
    by_value = {value: name for name, value in names.items()}
    if unnamed := [value for value in found if value not in by_value]:
        known = ", ".join(f"{value} ({name})" for value, name in sorted(by_value.items()))
        raise ValueError(
            f"expected the label values {known}, got {', '.join(map(str, unnamed))}; change them to these."
        )
    colours = label_colours(names)
    return [
        {
            "name": by_value[value],
            "model_name": title,
            "segmentAttribute": _attribute(value, by_value[value], colours[by_value[value]]),
        }
        for value in found
    ]


def values_of(segments: Mapping[int, str], names: Mapping[str, int]) -> dict[int, int]:
    """Return the label value of each segment's number by its name.

    Args:
        segments: the names by the numbers.
        names: the label values by their names; upper and lower case are alike.

    Raises:
        ValueError: a name is unknown.

    >>> values_of({1: "Enhancing"}, {"necrosis": 1, "enhancing": 3})
    {1: 3}
    """
    known = {name.lower(): value for name, value in names.items()}
    if unknown := [name for name in segments.values() if name.lower() not in known]:
        raise ValueError(f"expected segments named {', '.join(names)}, got {', '.join(unknown)}; rename them.")
    return {number: known[name.lower()] for number, name in segments.items()}


def _attribute(value: int, name: str, colour: str) -> dict[str, Any]:
    category, kind, side = segment_codes(name)
    modifier = {"SegmentedPropertyTypeModifierCodeSequence": _sequence(side)} if side else {}
    return {
        "labelID": value,
        "SegmentLabel": name,
        "SegmentDescription": name,
        "SegmentAlgorithmType": "SEMIAUTOMATIC",
        "SegmentAlgorithmName": ALGORITHM,
        "SegmentedPropertyCategoryCodeSequence": _sequence(category),
        "SegmentedPropertyTypeCodeSequence": _sequence(kind),
        **modifier,
        "recommendedDisplayRGBValue": [int(colour[start : start + 2], 16) for start in (1, 3, 5)],
    }


def _sequence(code: Code) -> dict[str, str]:
    return {"CodeValue": code.value, "CodingSchemeDesignator": "SCT", "CodeMeaning": code.meaning}
