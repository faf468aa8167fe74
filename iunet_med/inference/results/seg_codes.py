"""What DICOM calls a segment's kind: category and type by the name of its label."""

from typing import NamedTuple


class Code(NamedTuple):
    """A concept of SNOMED CT."""

    value: str
    meaning: str


_ABNORMAL, _ORGAN = Code("49755003", "Morphologically Abnormal Structure"), Code("91723000", "Anatomical Structure")
_TISSUE = Code("85756007", "Tissue")
_BY_PART = {
    "necro": (_ABNORMAL, Code("6574001", "Necrosis")),
    "edema": (_ABNORMAL, Code("79654002", "Edema")),  # and oedema
    "tumo": (_ABNORMAL, Code("108369006", "Neoplasm")),
    "lesion": (_ABNORMAL, Code("52988006", "Lesion")),
    "spleen": (_ORGAN, Code("78961009", "Spleen")),
    "liver": (_ORGAN, Code("10200004", "Liver")),
    "kidney": (_ORGAN, Code("64033007", "Kidney")),
    "pancreas": (_ORGAN, Code("15776009", "Pancreas")),
}
"""By a part of the label's name. Source: DICOM PS3.16, CID 7150, 7159 and 7166."""


def segment_codes(name: str) -> tuple[Code, Code]:
    """Return the category and the type of a segment.

    >>> segment_codes("peritumoral oedema")[1].meaning
    'Edema'
    """
    return next((pair for part, pair in _BY_PART.items() if part in name.lower()), (_TISSUE, _TISSUE))
