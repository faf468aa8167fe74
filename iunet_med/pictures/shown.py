"""Which modalities a case's picture shows, and which regions are outlined on each: where they are seen best."""

import re
from collections.abc import Iterable, Mapping, Sequence

_FLAIR = re.compile(r".*flair.*|t2f")
_ENHANCED_T1 = re.compile(r"(ce|gd|cegd|post)t1w?|t1w?(c|ce|gd|cegd|gad|post|contrast)")
_CORE = re.compile(r"et|tc|nc|ncr|net|.*(core|enhanc|necro).*")


def shown_regions(
    modalities: Iterable[str], regions: Mapping[str, Sequence[int]]
) -> dict[str, dict[str, Sequence[int]]]:
    """Return for each modality that is shown the regions outlined on it, with their label values.

    The core of a tumour, which is a region within another one or is called so, is outlined on the T1 with contrast
    agent, and all else on FLAIR. Where one of the two is missing the other shows all; where both are, the first
    modality does.

    >>> shown_regions(["t1", "t1c", "t2", "flair"], {"ET": (3,), "TC": (1, 3), "WT": (1, 2, 3)})
    {'flair': {'WT': (1, 2, 3)}, 't1c': {'ET': (3,), 'TC': (1, 3)}}
    >>> shown_regions(["ct"], {"liver": (1,)})
    {'ct': {'liver': (1,)}}
    """
    names = list(modalities)
    flair, enhanced = _first(_FLAIR, names), _first(_ENHANCED_T1, names)
    if flair is None or enhanced is None:
        return {flair or enhanced or names[0]: dict(regions)}
    core = [name for name, values in regions.items() if _is_core(name, values, regions)]
    views = {
        flair: {name: values for name, values in regions.items() if name not in core},
        enhanced: {name: regions[name] for name in core},
    }
    return {modality: outlined for modality, outlined in views.items() if outlined}


def _is_core(name: str, values: Sequence[int], regions: Mapping[str, Sequence[int]]) -> bool:
    nested = any(set(values) < set(others) for others in regions.values())
    return nested or bool(_CORE.fullmatch(name.lower()))


def _first(pattern: re.Pattern[str], names: Sequence[str]) -> str | None:
    return next((name for name in names if pattern.fullmatch(re.sub(r"[\W_]", "", name.lower()))), None)
