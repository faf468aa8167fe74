"""What a file's name says: the patient's part before the description, and the modality that the description means.

Names are read as words. `P01_AX_T1_POST` has the prefix `P01` and the words ax, t1, post, which mean t1c. Only words of
the field count, so that `PT2` is no t2; derived images (ADC, T2*, masks, maps) are no modality; what could mean two
things means none.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Kind = Literal["t1", "t1c", "t2", "flair", "label"]

CONTRAST = {
    *("ce", "gd", "gad", "gado", "gadolinium", "gadovist", "dotarem", "contrast", "enhanced", "post", "postcontrast"),
    *("postgd", "postgad", "km", "kontrast", "c+"),
}
PLAIN = {"pre", "native", "nativ", "precontrast", "noncontrast", "nocontrast", "non", "no", "without", "wo", "none"}
LABEL = {
    *("seg", "segm", "segmentation", "dseg", "label", "labels", "mask", "lesion", "lesions", "tumor", "tumour", "roi"),
    *("gt", "truth", "manual", "annotation", "contour", "gold"),
}
DERIVED = {
    *("adc", "dwi", "dti", "swi", "swan", "star", "map", "maps", "mapping", "rho", "asl", "perf", "perfusion"),
    *("dsc", "dce", "cbv", "rcbv", "cbf", "mtt", "bold", "fmri", "tof", "mra", "mrv", "angio", "mip", "subtraction"),
    *("subtracted", "localizer", "localiser", "loc", "scout", "survey", "prob", "probability", "pred", "prediction"),
    *("warp", "xfm", "brainmask", "trace", "phase", "hemo", "uncertainty", "pd"),
}
ANATOMY = {"brain", "skull", "head", "bet", "hdbet", "bone", "vessel", "vessels", "wm", "gm", "csf"}
"""With one of these a mask or a label is not the lesion's."""
T1_SEQUENCES = {"mprage", "mp2rage", "spgr", "fspgr", "bravo"}
OTHER = {
    *("ax", "axial", "sag", "sagittal", "cor", "coronal", "tra", "transverse", "obl", "iso", "se", "tse", "fse", "tfe"),
    *("ffe", "ir", "tirm", "stir", "space", "cube", "vista", "vibe", "gre", "fl2d", "fl3d", "tfl", "dark", "fluid"),
    *("mr", "mri", "weighted", "fs", "fatsat", "blade", "propeller", "img", "image", "anat", "reg"),
}
TARGETS = {"to", "in", "on", "onto", "2"}
"""What follows one of these is what the image was registered to."""
_BASES = {"t1", "t2", "flair"}
_KNOWN = CONTRAST | PLAIN | LABEL | DERIVED | ANATOMY | T1_SEQUENCES | OTHER | _BASES | {"t1c"}
_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[0-9])(?=[A-Z][a-z])")
_JOINED = re.compile(r"(?:3d|ax|sag|cor|tra)?(t[12])(wi|w|n)?(.*)")
_ENHANCED = re.compile(r"(?:ce|c|gd)t1(?:w|wi|n)?|t1(?:w|wi)?(?:c|ce|gd|gad|post|km|pc|contrast)")
_SIZE = re.compile(r"\d+(?:d|t|mm)|p\d")


@dataclass(frozen=True)
class FileName:
    """A name without its ending, in two parts: `prefix` as it is written, and the description's words in lower case."""

    prefix: str
    words: tuple[str, ...]


def split_name(stem: str) -> FileName:
    """Split a name where its description begins.

    That is behind the last number or code that known words follow, else at the first known word.

    >>> split_name("T1_001_AX_T1_POST")
    FileName(prefix='T1_001', words=('ax', 't1', 'post'))
    """
    found = list(_words(stem))
    known = [place for place, (word, _) in enumerate(found) if word in _KNOWN]
    telling = [place for place in known if found[place][0] in _BASES | LABEL | DERIVED | T1_SEQUENCES | {"t1c"}]
    if not telling:
        return FileName("", tuple(word for word, _ in found))
    codes = [place for place, (word, _) in enumerate(found[: telling[-1]]) if word not in _KNOWN and _is_code(word)]
    first = codes[-1] + 1 if codes else known[0]
    prefix = stem[: found[first][1]].rstrip(" _-.")
    return FileName(prefix, tuple(word for word, _ in found[first:]))


def kind_of(words: Sequence[str]) -> Kind | None:
    """Return the modality or label that a description means, None for another image and for what is ambiguous.

    >>> kind_of(("ax", "t1", "post")), kind_of(("t2", "flair")), kind_of(("t2", "star"))
    ('t1c', 'flair', None)
    """
    found = set(words)
    if found & LABEL:
        return None if found & (ANATOMY | DERIVED) else "label"
    if found & DERIVED:
        return None
    said = _before_target(words)
    bases = {word for word in said if word in _BASES | {"t1c"}} or {"t1" for word in said if word in T1_SEQUENCES}
    if bases & {"t1", "t1c"}:  # there are T1-weighted FLAIR sequences
        return None if "t2" in bases else _enhanced(said, attached="t1c" in bases)
    return "flair" if "flair" in bases else "t2" if bases else None


def shorten(names: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Drop the first words that all descriptions of a case share, as long as each still means something."""
    result = [tuple(words) for words in names]
    while len(result) > 1 and all(words for words in result) and len({words[0] for words in result}) == 1:
        shorter = [words[1:] for words in result]
        if any(kind_of(words) and not kind_of(rest) for words, rest in zip(result, shorter, strict=True)):
            break
        result = shorter
    return result


def _enhanced(words: Sequence[str], *, attached: bool) -> Literal["t1", "t1c"] | None:
    if attached:
        return "t1c"
    after_t1 = any(pair == ("t1", "c") for pair in pairwise(words))
    plain, contrast = not PLAIN.isdisjoint(words), after_t1 or not CONTRAST.isdisjoint(words)
    if plain:  # "pre contrast" and "no gd" are plain, "pre and post" is both
        return None if "post" in words else "t1"
    return "t1c" if contrast else "t1"


def _before_target(words: Sequence[str]) -> Sequence[str]:
    for place, word in enumerate(words):
        if word in TARGETS and not {"t1c", *_BASES}.isdisjoint(words[:place]):
            return words[:place]
    return words


def _words(stem: str) -> Iterator[tuple[str, int]]:
    """Yield each word in lower case and where it begins; words that are joined, such as t1post, come one by one."""
    for run in _WORD.finditer(stem.replace("*", "s")):  # T2* is no T2
        start = run.start()
        for part in [run[0]] if _ENHANCED.fullmatch(run[0].lower()) else _CAMEL.split(run[0]):
            for word in _parts(part.lower()):
                yield word, start
            start += len(part)


def _parts(word: str) -> tuple[str, ...]:
    if _ENHANCED.fullmatch(word):
        return ("t1c",)
    joined = _JOINED.fullmatch(word)
    if joined and joined[1] == "t2" and joined[3] in ("f", "s"):
        return ("flair",) if joined[3] == "f" else ("t2", "star")
    if joined and (not joined[3] or joined[3] in _KNOWN):
        return (joined[1], joined[3]) if joined[3] else (joined[1],)
    return ("flair",) if word in ("flairw", "3dflair") else (word,)


def _is_code(word: str) -> bool:
    return any(letter.isdigit() for letter in word) and not _SIZE.fullmatch(word) and word not in TARGETS
