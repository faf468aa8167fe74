"""What data sets call an organ: TotalSegmentator's names, from spellings of the Decathlon, BTCV, AMOS and others."""

import re
from collections.abc import Mapping, Sequence

SPELLINGS = {
    "aorta": ("arota",),
    "adrenal_gland_left": ("lad", "left_adrenal"),
    "adrenal_gland_right": ("rad", "right_adrenal"),
    "colon": ("large_bowel", "large_intestine"),
    "esophagus": ("oesophagus", "eso"),
    "gallbladder": ("gall_bladder", "gall"),
    "inferior_vena_cava": ("postcava", "ivc", "vena_cava"),
    "kidney_left": ("lkidney", "l_kidney", "kidney_l"),
    "kidney_right": ("rkidney", "r_kidney", "kidney_r"),
    "lung_left": ("l_lung", "lung_l"),
    "lung_right": ("r_lung", "lung_r"),
    "portal_vein_and_splenic_vein": ("portal_vein", "veins", "portal_and_splenic_vein", "portal_vein_splenic_vein"),
    "prostate": ("prostate_uterus", "prostate_or_uterus"),
    "small_bowel": ("small_intestine", "intestine"),
    "urinary_bladder": ("bladder",),
}
"""Spellings in lower case with _ between words, beside the name itself and with left or right moved to its end."""
PARTS = {
    "lung_left": ("lung_upper_lobe_left", "lung_lower_lobe_left"),
    "lung_right": ("lung_upper_lobe_right", "lung_middle_lobe_right", "lung_lower_lobe_right"),
    "kidney": ("kidney_left", "kidney_right"),
    "lung": ("lung_left", "lung_right"),
    "hips": ("hip_left", "hip_right"),
    "autochthon": ("autochthon_left", "autochthon_right"),
    "iliopsoas": ("iliopsoas_left", "iliopsoas_right"),
    "vertebrae": tuple(
        f"vertebrae_{level}" for level in [f"C{n}" for n in range(1, 8)] + [f"T{n}" for n in range(1, 13)]
    )
    + tuple(f"vertebrae_L{n}" for n in range(1, 6)),
    "ribs": tuple(f"rib_{side}_{n}" for side in ("left", "right") for n in range(1, 13)),
}
"""Organs that data sets may give in several pieces; an organ is the union of those that there are."""
LESION = re.compile(r"cancer|tumou?r|lesion|cyst|metasta")


def plain_name(name: str) -> str:
    """One spelling of an organ's name.

    >>> plain_name("Left Kidney"), plain_name("gall bladder"), plain_name("postcava")
    ('kidney_left', 'gallbladder', 'inferior_vena_cava')
    """
    text = re.sub(r"[\W_]+", "_", name.casefold()).strip("_")
    side = re.match(r"(left|right)_(.+)", text)
    turned = f"{side[2]}_{side[1]}" if side else text
    for known, spellings in SPELLINGS.items():
        if text in spellings or turned in spellings:
            return known
    return turned


def organ_values(labels: Mapping[str, Sequence[int]], organs: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return for each organ its values among a data set's labels; an organ without any is left out.

    Lesions belong to the organ where a data set has one organ alone, as in the Decathlon, and nobody asks for them.

    Args:
        labels: for each of the data set's names its values, without the background.
        organs: the names that are asked for.

    >>> organ_values({"liver": (1,), "cancer": (2,)}, ["liver"])
    {'liver': (1, 2)}
    """
    named: dict[str, tuple[int, ...]] = {}
    for name, values in labels.items():
        named[plain_name(name)] = named.get(plain_name(name), ()) + tuple(values)
    lesions = [name for name in named if LESION.search(name)]
    bodies = [name for name in named if name not in lesions]
    found = {}
    for organ in organs:
        names = pieces(organ, named)
        if len(bodies) == 1 and bodies == names:
            names += [name for name in lesions if name not in map(plain_name, organs)]
        if values := tuple(value for name in names for value in named[name]):
            found[organ] = values
    return found


def pieces(organ: str, known: Mapping[str, object]) -> list[str]:
    """The names in `known` that make up an organ: its own, or those of its parts; none where a data set lacks it."""
    name = plain_name(organ)
    if name in known:
        return [name]
    return [one for part in PARTS.get(name, ()) for one in pieces(plain_name(part), known)]
