"""Which series is which modality, by patterns of the scanner's descriptions: one series each, never a guess."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from iunet_med.volumes.dicom.series import Series


def match_modalities(
    series: Sequence[Series],
    patterns: Mapping[str, str],
    *,
    optional: Sequence[str] = (),
    show_descriptions: bool = False,
) -> dict[str, Series]:
    """Choose one series per modality.

    Args:
        series: the series of one case.
        patterns: for each modality a pattern such as `*T1*GD*` of the SeriesDescription (of the ProtocolName where
            that is empty), upper and lower case alike; or a series' key.
        optional: modalities that may be absent, though not all of them.
        show_descriptions: name descriptions in errors; they may hold the patient's name.

    Raises:
        ValueError: unless exactly one series fits each pattern, and no series fits two.
    """

    def named(candidates: Sequence[Series]) -> str:
        texts = [
            f"{one.key} ({one.modality}"
            + (f", {count} slices" if (count := len(one.frames) or len(one.files)) else "")
            + (f", {one.text!r})" if show_descriptions else ")")
            for one in candidates
        ]
        return ", ".join(texts) or "none"

    chosen: dict[str, Series] = {}
    for modality, pattern in patterns.items():
        fitting = [one for one in series if _fits(one, pattern)]
        if not fitting and modality in optional:
            continue
        if len(fitting) != 1:
            raise ValueError(
                f"{modality}: {len(fitting)} series fit {pattern!r}, exactly one must; the candidates are "
                f"{named(fitting or series)}; change the pattern, or give a series' key in its place."
            )
        for other, taken in chosen.items():
            if taken is fitting[0]:
                raise ValueError(
                    f"{other} and {modality} both fit {named(fitting)}; each needs a series of its own, "
                    "so narrow the patterns."
                )
        chosen[modality] = fitting[0]
    if not chosen:
        raise ValueError(f"no series fits any pattern; the candidates are {named(series)}; change the patterns.")
    return chosen


def _fits(series: Series, pattern: str) -> bool:
    return series.key == pattern or fnmatchcase(series.text.lower(), pattern.lower())
