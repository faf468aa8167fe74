"""What DICOM calls a segment's kind: category, type and side by the name of its label."""

import re
from typing import NamedTuple


class Code(NamedTuple):
    """A concept of SNOMED CT."""

    value: str
    meaning: str


class SegmentCodes(NamedTuple):
    """What a segment is; `side` modifies the type, and is None where the name has none."""

    category: Code
    type: Code
    side: Code | None


ABNORMAL = Code("49755003", "Morphologically Abnormal Structure")
ORGAN = Code("91723000", "Anatomical Structure")
TISSUE = Code("85756007", "Tissue")
LESIONS = {
    "necro": Code("6574001", "Necrosis"),
    "edema": Code("79654002", "Edema"),  # and oedema
    "tumo": Code("108369006", "Neoplasm"),
    "lesion": Code("52988006", "Lesion"),
}
"""By a part of the label's name; they come before organs, as in `liver tumour`."""
ORGANS = {
    "adrenal gland": Code("23451007", "Adrenal gland"),
    "aorta": Code("15825003", "Aorta"),
    "colon": Code("71854001", "Colon"),
    "duodenum": Code("38848004", "Duodenum"),
    "esophagus": Code("32849002", "Esophagus"),
    "femur": Code("71341001", "Femur"),
    "gallbladder": Code("28231008", "Gallbladder"),
    "heart": Code("80891009", "Heart"),
    "hippocampus": Code("5366008", "Hippocampus"),
    "inferior vena cava": Code("64131007", "Inferior vena cava"),
    "kidney": Code("64033007", "Kidney"),
    "liver": Code("10200004", "Liver"),
    "lung": Code("39607008", "Lung"),
    "pancreas": Code("15776009", "Pancreas"),
    "prostate": Code("41216001", "Prostate"),
    "rib": Code("113197003", "Rib"),
    "spleen": Code("78961009", "Spleen"),
    "stomach": Code("69695003", "Stomach"),
    "trachea": Code("44567001", "Trachea"),
    "urinary bladder": Code("89837001", "Bladder"),
    "vertebra": Code("51282000", "Vertebra"),
}
"""By the words of the label's name, singular or plural. Source of both: DICOM PS3.16, CID 7150, 7151 and 7159."""
SIDES = {"left": Code("7771000", "Left"), "right": Code("24028007", "Right")}


def segment_codes(name: str) -> SegmentCodes:
    """Return what a segment is.

    >>> segment_codes("peritumoral oedema").type.meaning
    'Edema'
    >>> [code.meaning for code in segment_codes("kidney_left")]
    ['Anatomical Structure', 'Kidney', 'Left']
    """
    text = re.sub(r"[\W_]+", " ", name.casefold()).strip()
    words = text.split()
    side = next((code for word, code in SIDES.items() if word in words), None)
    if lesion := next((code for part, code in LESIONS.items() if part in text), None):
        return SegmentCodes(ABNORMAL, lesion, side)
    for organ, code in ORGANS.items():
        if re.search(rf"\b{organ}(s|e|es)?\b", text):
            return SegmentCodes(ORGAN, code, side)
    return SegmentCodes(TISSUE, TISSUE, side)
