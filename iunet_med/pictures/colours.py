"""Colours of regions, and how wide their outlines are."""

from collections.abc import Hashable, Iterable, Sequence
from itertools import cycle
from typing import Any, TypeVar

COLOURS = (
    *("#D55E00", "#F0E442", "#56B4E9", "#CC79A7", "#009E73", "#E69F00", "#0072B2"),
    *("#FF8F8F", "#8FFF8F", "#AFAFFF", "#00E5E5", "#FFB3E6", "#B39B6B", "#C6FF00"),
)
"""Seven that colour-blind readers tell apart, then others.

Source: Okabe and Ito 2008, https://jfly.uni-koeln.de/color/."""
Key = TypeVar("Key", bound=Hashable)


def label_colours(names: Iterable[Key]) -> dict[Key, str]:
    """Return a colour per label or region; the fifteenth is the first one again.

    >>> label_colours(["ET", "TC"])
    {'ET': '#D55E00', 'TC': '#F0E442'}
    """
    return dict(zip(names, cycle(COLOURS), strict=False))


def nested_styles(regions: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return colour and line width (points) of regions from the innermost to the outermost.

    The innermost is thinner: a border that two regions share shows both.
    """
    colours = label_colours(regions)
    return {name: {"color": colours[name], "linewidth": 1.8 if place else 0.9} for place, name in enumerate(regions)}
