"""What a file's name says: the patient's part before the description, and the modality that the description means.

Names are read as words. `P01_AX_T1_POST` has the prefix `P01` and the words ax, t1, post, which mean t1c. Only words of
the field count, so that `PT2` is no t2; derived images (ADC, T2*, masks, maps) are no modality; what could mean two
things means none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from iunet_med.datasets.words import (
    ANATOMY,
    BASES,
    CONTRAST,
    DERIVED,
    GRADIENT_ECHO,
    KNOWN,
    LABEL,
    NEGATIONS,
    PLAIN,
    T1_SEQUENCES,
    TARGETS,
    TELLING,
    TIMES,
    words_of,
)

Kind = Literal["t1", "t1c", "t2", "flair", "label"]

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
    found = list(words_of(stem))
    words = [word for word, _ in found]
    telling = [place for place, word in enumerate(words) if word in TELLING]
    if not telling:
        return FileName("", tuple(words))
    codes = [place for place in range(telling[-1]) if _is_code(words, place)]
    first = codes[-1] + 1 if codes else next(place for place, word in enumerate(words) if word in KNOWN)
    prefix = stem[: found[first][1]].rstrip(" _-.")
    return FileName(prefix, tuple(words[first:]))


def kind_of(words: Sequence[str]) -> Kind | None:
    """Return the modality or label that a description means, None for another image and for what is ambiguous.

    >>> kind_of(("ax", "t1", "post")), kind_of(("t2", "flair")), kind_of(("t2", "star"))
    ('t1c', 'flair', None)
    """
    found = set(words)
    if found & LABEL:
        return None if found & (ANATOMY | DERIVED) else "label"
    if found & DERIVED or ("t1" in found and "sub" in found):
        return None
    said = _before_target(words)
    bases = _bases(set(said))
    if bases & {"t1", "t1c"}:  # there are T1-weighted FLAIR sequences
        return None if "t2" in bases else _enhanced(said, attached="t1c" in bases)
    if "flair" in bases:
        return "flair"
    # without the word for it, an inversion recovery may be FLAIR or STIR, and a gradient echo is T2*
    return "t2" if bases and not found & (GRADIENT_ECHO | {"tirm"}) else None


def _bases(words: set[str]) -> set[str]:
    bases = words & (BASES | {"t1c"}) or ({"t1"} if words & T1_SEQUENCES else set())
    dark_fluid = words & {"dark", "da"} and words & {"fluid", "fl"}  # Siemens' words for FLAIR
    return bases | ({"flair"} if dark_fluid or "darkfluid" in words else set())


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
    """Tell T1 with contrast from T1; "pre contrast" and "no gd" are plain, what says both is neither."""
    if attached:
        return "t1c"
    pairs = list(pairwise([*words, ""]))
    said = {word for word, after in pairs if not (word in ("pre", "post") and after in TIMES)}
    without = any(word in NEGATIONS and (after in CONTRAST or not after) for word, after in pairs)
    letter = any(after == "c" and before in {"t1", *T1_SEQUENCES} for before, after in pairs) or words[-1] == "c"
    if without or said & PLAIN:
        return None if said & {"post", "with"} else "t1"
    return "t1c" if letter or said & CONTRAST else "t1"


def _before_target(words: Sequence[str]) -> Sequence[str]:
    for place, word in enumerate(words):
        if word in TARGETS and not {"t1c", *BASES}.isdisjoint(words[:place]):
            return words[:place]
    return words


def _is_code(words: Sequence[str], place: int) -> bool:
    word = words[place]
    if word in TARGETS:  # as in t1_2_mni, but not in study_2_t1
        return place > 0 and words[place - 1] not in KNOWN
    return word not in KNOWN and any(letter.isdigit() for letter in word) and not _SIZE.fullmatch(word)
