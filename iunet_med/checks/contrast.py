"""What is implausible between the modalities of one head: copies, half a field of view, contrasts that are swapped.

A swap is reported only where correlations within the head separate it. Measured on three real heads (two with multiple
sclerosis, one glioma) and four simulated ones: correlation of t1 and t2 -0.95 to -0.49, of t1 and flair 0.41 to 0.66,
of t2 and flair -0.51 to -0.11. t1 and t1c cannot be told apart safely: how much enhances varies too much.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iunet_med.checks.finding import Finding, warning
from iunet_med.checks.intensities import SAMPLE, usual_range

COPY = 0.999
"""Two scans of one head differ by their noise alone by more; t1 and t1c correlate by 0.51 to 0.85."""
COVERED = 0.8
"""Modalities of one study cover 99.9 % of each other; a slab or half a field much less."""
POSITIVE = 0.2
"""t1 and t2 correlate by -0.49 at most; t1 and flair, taken for t2, by 0.41 at least."""
SWAPPED = 0.15
"""In the right order the difference of the two correlations is -0.26 at most; swapped it is 0.26 at least."""
FEWEST = 1000
"""Correlations of fewer voxels are chance."""


def check_contrast(data: NDArray[Any], modalities: Sequence[str]) -> list[Finding]:
    """Compare the modalities of a case.

    Args:
        data: (C, X, Y, Z) of real finite numbers on one grid, zero outside the head.
        modalities: their names; swaps are looked for among t1, t2 and flair.
    """
    step = max(1, round((data[0].size / SAMPLE) ** (1 / 3)))
    sample = [_limited(image[::step, ::step, ::step]) for image in data]
    seen = np.stack([image != 0 for image in sample])
    head = seen.sum(0) >= max(1, len(seen) // 2)
    if len(sample) < 2 or np.count_nonzero(head) < FEWEST:
        return []
    common = seen.all(0)
    found = [*_coverage(seen[:, head].mean(1), modalities)]
    if np.count_nonzero(common) < FEWEST:
        return found
    values = np.stack([image[common] for image in sample])
    varying = [name for name, image in zip(modalities, values, strict=True) if image.std() > 0]
    pairs = {
        (a, b): _correlation(values, modalities.index(a), modalities.index(b)) for a, b in combinations(varying, 2)
    }
    copies = [*_copies(pairs)]
    return found + (copies or [*_swaps({frozenset(pair): value for pair, value in pairs.items()})])


def _limited(image: NDArray[Any]) -> NDArray[np.float64]:
    usual = usual_range(image)
    values = image.astype(np.float64)
    return values if usual is None else np.where(values == 0, 0, np.clip(values, usual.p1, usual.p99))


def _correlation(values: NDArray[np.float64], first: int, second: int) -> float:
    return float(np.corrcoef(values[first], values[second])[0, 1])


def _coverage(covered: NDArray[np.float64], modalities: Sequence[str]) -> Iterator[Finding]:
    for name, part in zip(modalities, covered, strict=True):
        if part < COVERED:
            yield warning(
                "coverage",
                f"{name} is zero in {1 - part:.0%} of the head that the other modalities show; usual: below "
                f"{1 - COVERED:.0%}; take a scan of the whole head, and check that it is registered to the others.",
            )


def _copies(pairs: dict[tuple[str, str], float]) -> Iterator[Finding]:
    for (first, second), value in pairs.items():
        if abs(value) > COPY:
            yield warning(
                "copy",
                f"{first} and {second} are the same image but for its scale (correlation {value:.4f}); expected one "
                "scan of each modality; check which file was taken for which.",
            )


def _swaps(pairs: dict[frozenset[str], float]) -> Iterator[Finding]:
    t1_t2, t1_flair, t2_flair = (
        pairs.get(frozenset(pair)) for pair in (("t1", "t2"), ("t1", "flair"), ("t2", "flair"))
    )
    if t1_t2 is None or t1_flair is None or t2_flair is None:
        return
    if t1_t2 > POSITIVE:
        pair, why = "t2 and flair, or t2 and t1c,", f"t1 and t2 correlate by {t1_t2:.2f}, usually below -0.4"
    elif t2_flair - t1_flair > SWAPPED:
        pair, why = "t1 and t2", f"flair correlates more with t2 ({t2_flair:.2f}) than with t1 ({t1_flair:.2f})"
    elif t1_t2 - t2_flair > SWAPPED:
        pair, why = "t1 and flair", f"t2 is less unlike t1 ({t1_t2:.2f}) than unlike flair ({t2_flair:.2f})"
    else:
        return
    yield warning("swapped", f"{pair} seem to be swapped: {why}; check which file was taken for which.")
