"""The words of which the field makes names of files and descriptions of series."""

import re
from collections.abc import Iterator
from functools import lru_cache

CONTRAST = {
    *("ce", "gd", "gad", "gado", "gadolinium", "gbca", "contrast", "contrasted", "contraste", "enhanced", "post"),
    *("postcontrast", "postcon", "inj", "injected", "injection", "injecte", "km", "kontrast", "kontrastmittel", "mdc"),
    *("pc", "c+", "dtpa", "dotarem", "gadovist", "gadavist", "gadobutrol", "magnevist", "multihance", "prohance"),
    *("clariscan", "omniscan", "vueway", "elucirem"),
}
PLAIN = {
    *("pre", "native", "nativ", "precontrast", "noncontrast", "nocontrast", "unenhanced", "nonenhanced", "plain", "c-"),
}
NEGATIONS = {"non", "no", "without", "wo", "none", "ohne", "sans", "sin", "senza"}
"""Before a word of `CONTRAST`, or as the last one, these mean none."""
TIMES = {"op", "surgery", "surgical", "resection", "rt", "radiation", "chemo", "therapy", "treatment"}
"""What pre and post stand before without meaning contrast."""
LABEL = {
    *("seg", "segm", "segmentation", "dseg", "label", "labels", "mask", "lesion", "lesions", "tumor", "tumour", "roi"),
    *("gt", "truth", "manual", "annotation", "contour", "gold"),
}
DERIVED = {
    *("adc", "dwi", "dti", "swi", "swan", "star", "map", "maps", "mapping", "rho", "asl", "perf", "perfusion"),
    *("dsc", "dce", "cbv", "rcbv", "cbf", "mtt", "bold", "fmri", "tof", "mra", "mrv", "angio", "mip", "subtraction"),
    *("subtracted", "localizer", "localiser", "loc", "scout", "survey", "prob", "probability", "pred", "prediction"),
    *("warp", "xfm", "brainmask", "trace", "phase", "hemo", "uncertainty", "pd", "minus", "diff", "difference"),
    *("dynamic", "relaxometry", "quantitative"),
}
ANATOMY = {"brain", "skull", "head", "bet", "hdbet", "bone", "vessel", "vessels", "wm", "gm", "csf"}
"""With one of these a mask or a label is not the lesion's."""
T1_SEQUENCES = {"mprage", "mp2rage", "spgr", "fspgr", "bravo", "mdeft"}
GRADIENT_ECHO = {"gre", "fgre", "me2d", "me3d", "fl2d", "fl3d", "ffe", "medic"}
"""With one of these T2 means T2*."""
OTHER = {
    *("ax", "axial", "sag", "sagittal", "cor", "coronal", "tra", "transverse", "obl", "iso", "se", "tse", "fse", "tfe"),
    *(
        "ir",
        "tirm",
        "stir",
        "space",
        "spc",
        "cube",
        "vista",
        "vibe",
        "tfl",
        "3d",
        "2d",
        "w",
        "wi",
        "with",
        "mit",
        "nach",
    ),
    *(
        "dark",
        "fluid",
        "darkfluid",
        "mr",
        "mri",
        "weighted",
        "fs",
        "fatsat",
        "blade",
        "propeller",
        "img",
        "image",
        "anat",
        "reg",
    ),
}
TARGETS = {"to", "in", "on", "onto", "2"}
"""What follows one of these is what the image was registered to."""
BASES = {"t1", "t2", "flair"}
KNOWN = (
    CONTRAST | PLAIN | NEGATIONS | LABEL | DERIVED | ANATOMY | T1_SEQUENCES | GRADIENT_ECHO | OTHER | BASES | {"t1c"}
)
TELLING = BASES | LABEL | DERIVED | T1_SEQUENCES | {"t1c", "darkfluid", "fluid"}
"""Words that say which image it is; others only describe it further."""
_LEADING = CONTRAST | {"pre", "3d", "2d", "ax", "sag", "cor", "tra"}
"""What may be joined before t1 and t2: axt1 is one, but set1 is not."""
_SPELLED = {"t1w": "t1", "t1wi": "t1", "t1n": "t1", "t2w": "t2", "t2wi": "t2", "flairw": "flair"}
_PIECES = KNOWN | _SPELLED.keys()
_WORD = re.compile(
    r"(?P<with>(?<![^\W_])c\+|\+\s?(?:c|contrast)(?![^\W_])|(?<=[^\W_])\+(?=$|[\s_.-]))"
    r"|(?P<without>(?<![^\W_])c-(?=$|[\s_])|(?<=\s)-\s?c(?![^\W_])|(?<![^\W_])w[/-]o(?![^\W_]))"
    r"|(?P<run>[^\W_]+)",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[0-9])(?=[A-Z][a-z])")
_ENHANCED = re.compile(r"ct1(?:w|wi|n)?|t1(?:w|wi)?(?:c|cm)")


def words_of(text: str) -> Iterator[tuple[str, int]]:
    """Yield each word in lower case and where it begins; words that are joined, such as t1post, come one by one.

    >>> [word for word, _ in words_of("AX T1+C t1FSgd")]
    ['ax', 't1', 'c+', 't1', 'fs', 'gd']
    """
    for match in _WORD.finditer(text.replace("*", "s")):  # T2* is no T2
        if match["run"] is None:
            yield "c+" if match["with"] else "c-", match.start()
            continue
        run, start = match[0], match.start()
        for part in [run] if _ENHANCED.fullmatch(run.lower()) else _CAMEL.split(run):
            for word in _parts(part.lower()):
                yield word, start
            start += len(part)


def _parts(word: str) -> tuple[str, ...]:
    """Return the known words that a word is made of, or the word itself."""
    if _ENHANCED.fullmatch(word):
        return ("t1c",)
    if word in ("t2f", "t2s"):
        return ("flair",) if word == "t2f" else ("t2", "star")
    names = tuple(_SPELLED.get(piece, piece) for piece in (() if word in KNOWN else _split(word)))
    base = next((place for place, name in enumerate(names) if name in BASES), 0)
    joined = base == 0 or set(names[:base]) <= _LEADING
    return names if joined and (BASES | T1_SEQUENCES | CONTRAST) & set(names) else (word,)


@lru_cache(maxsize=4096)
def _split(word: str) -> tuple[str, ...]:
    """Split a word into known ones, the first as long as can be; nothing where that cannot be done."""
    for end in range(len(word), 0, -1):
        if word[:end] in _PIECES:
            if end == len(word):
                return (word,)
            if rest := _split(word[end:]):
                return (word[:end], *rest)
    return ()
