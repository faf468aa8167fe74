"""Which of a study's series to take: all, the thinnest reconstruction of each scan, or those that fit a pattern."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

import numpy as np

from iunet_med.volumes.dicom.geometry import ORIENTATION_TOLERANCE
from iunet_med.volumes.dicom.series import Series

SAME_START_SECONDS = 5.0
"""Reconstructions begin at other slices of one scan, within seconds; contrast phases are half a minute apart."""
NAMED_RULES = ("all", "thinnest")


def choose_series(
    found: Sequence[Series], rule: str, *, show_descriptions: bool = False
) -> tuple[list[Series], list[tuple[Series, str]]]:
    """Choose among series, and say of each other one why it is not taken.

    Args:
        found: of any number of studies.
        rule: `all`, `thinnest` or a pattern such as `*soft*` of the description (of the protocol where that is empty),
            upper and lower case alike; or a series' key. Series are reconstructions of one scan if study, frame of
            reference, orientation and acquisition numbers are the same and their first slices were scanned within
            seconds; where a file says no acquisition number, its series is a scan of its own.
        show_descriptions: name descriptions in errors; they may hold the patient's name.

    Raises:
        ValueError: no series fits the pattern.
    """
    if rule == "all":
        return list(found), []
    if rule != "thinnest":
        chosen = [one for one in found if _fits(one, rule)]
        if not chosen:
            candidates = ", ".join(f"{one.key} {one.text!r}" if show_descriptions else one.key for one in found)
            raise ValueError(
                f"--series {rule}: expected {', '.join(NAMED_RULES)}, or a pattern of a description or key; none of "
                f" {candidates} does. `iunet-med segment FOLDER --list` shows them."
            )
        return chosen, [(one, f"does not fit --series {rule}") for one in found if one not in chosen]
    scans: list[list[Series]] = []
    for one in found:
        home = next((scan for scan in scans if _same_scan(scan[0], one)), None)
        if home is None:
            scans.append([one])
        else:
            home.append(one)
    kept = [min(scan, key=lambda one: (slice_step_mm(one), -len(one.frames), one.key)) for scan in scans]
    left = [
        (other, f"is a reconstruction of the same scan as {one.key}, {_step(other)} to its {_step(one)}")
        for scan, one in zip(scans, kept, strict=True)
        for other in scan
        if other is not one
    ]
    return kept, left


def slice_step_mm(series: Series) -> float:
    """The distance between slices in mm, the median; infinite where the files do not say their places."""
    places = [frame.position for frame in series.frames]
    if len(places) < 2 or any(place is None for place in places):
        return float("inf")
    return float(np.median(np.linalg.norm(np.diff(np.asarray(places, np.float64), axis=0), axis=1)))


def _step(series: Series) -> str:
    return f"{slice_step_mm(series):.3g} mm"


def _same_scan(one: Series, other: Series) -> bool:
    if not all(one.scan) or (one.study, one.modality, one.scan) != (other.study, other.modality, other.scan):
        return False
    if one.start is None or other.start is None or abs(one.start - other.start) > SAME_START_SECONDS:
        return False
    first, second = one.frames[0].orientation, other.frames[0].orientation
    return first is not None and second is not None and np.allclose(first, second, atol=ORIENTATION_TOLERANCE)


def _fits(series: Series, pattern: str) -> bool:
    return series.key == pattern or fnmatchcase(series.text.lower(), pattern.lower())
