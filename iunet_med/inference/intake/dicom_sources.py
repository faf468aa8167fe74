"""A folder or a file of DICOM as cases: one per study, or one per series for networks of one modality."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from iunet_med.inference.intake.source import Source
from iunet_med.volumes.dicom import FoundSeries, Series, choose_series, find_series, match_modalities


def dicom_sources(
    root: Path,
    modalities: Sequence[str],
    *,
    series: Mapping[str, str],
    allow_missing: Sequence[str] = (),
    rule: str = "all",
    keep_identifiers: bool,
    on_left_out: Callable[[str, str], object],
) -> list[Source]:
    """List the cases below a folder, or in one file with several frames, each under an anonymous name.

    Args:
        root: the folder or the file.
        modalities: names of the network's channels.
        series: for each modality the pattern of its series' description. For one modality it may be left out: then
            every series is a case.
        allow_missing: modalities that may lack a pattern, and a study a series that fits it.
        rule: which series are taken, as in `choose_series`.
        keep_identifiers: whether descriptions, and the patient's number as the case's name, may be shown.
        on_left_out: called with the path below `root` of each file that belongs to no series, and of the folder of each
            series that is not taken, and why.

    Raises:
        ValueError: a modality has no pattern, or a pattern no modality; or the file holds no series.
    """
    if root.is_file() and len(modalities) > 1 and not series:
        raise ValueError(
            f"{root.name} is one DICOM file; expected a series for each of {', '.join(modalities)}; give the folder of "
            f"the study with a pattern for each (--map {modalities[0]}='*T1*'), or a list in a .csv file."
        )
    needed = set(modalities) - set(allow_missing)
    if (len(modalities) > 1 or series) and not (series and needed <= set(series) <= set(modalities)):
        raise ValueError(
            f"--map names {', '.join(series) or 'nothing'}; expected one pattern for each of {', '.join(modalities)}; "
            "series are never guessed. `iunet-med segment FOLDER --list` shows their descriptions and keys."
        )
    listing = find_series(root)
    if root.is_file() and not listing.series:
        raise ValueError(_no_series(root, listing))
    for item in listing.left_out:
        on_left_out(item.path.name if item.path == root else item.path.relative_to(root).as_posix(), item.reason)
    found, others = choose_series(listing.series, rule, show_descriptions=keep_identifiers)
    for other, reason in others:
        on_left_out(other.name_of(other.files[0].parent if len(other.files) > 1 else other.files[0]), reason)
    if not series:
        names = _names(found, keep_identifiers=keep_identifiers, by="key")
        return [Source(names[one.key], {}, series={modalities[0]: one}, patient=one.patient_number) for one in found]
    studies: dict[str, list[Series]] = defaultdict(list)
    for one in found:
        studies[one.study].append(one)
    names = _names(found, keep_identifiers=keep_identifiers, by="study")
    return [
        _case(
            names[study],
            some,
            {name: series[name] for name in modalities if name in series},
            optional=allow_missing,
            keep_identifiers=keep_identifiers,
        )
        for study, some in studies.items()
    ]


def _case(
    name: str,
    some: Sequence[Series],
    patterns: Mapping[str, str],
    *,
    optional: Sequence[str],
    keep_identifiers: bool,
) -> Source:
    patient = some[0].patient_number
    try:
        series = match_modalities(some, patterns, optional=optional, show_descriptions=keep_identifiers)
        return Source(name, {}, series=series, patient=patient)
    except ValueError as error:
        shown = "`iunet-med segment FOLDER --list` shows descriptions and keys."
        return Source(name, {}, problem=f"{error} {shown}", patient=patient)


def _names(found: Sequence[Series], *, keep_identifiers: bool, by: str) -> dict[str, str]:
    """Name each study or series: by the anonymous key, with the patient's number before it if that may be shown."""
    if not keep_identifiers:
        return {str(getattr(one, by)): str(getattr(one, by)) for one in found}
    names = {}
    for one in found:
        key = str(getattr(one, by))
        names[key] = f"{one.patient_number}-{key}" if one.patient_number else key
    return names


def only_series(place: Path) -> Series:
    """Return the one series in a folder, or in a file with several frames.

    Raises:
        ValueError: there is none, or there are several.
    """
    listing = find_series(place)
    if place.is_file() and not listing.series:
        raise ValueError(_no_series(place, listing))
    if len(listing.series) != 1:
        keys = ", ".join(one.key for one in listing.series) or "none"
        raise ValueError(
            f"the {'file' if place.is_file() else 'folder'} {place.name} holds {len(listing.series)} DICOM series "
            f"({keys}); expected one; give each series a folder of its own, or the whole folder with a pattern per "
            "modality (--map)."
        )
    return listing.series[0]


def _no_series(file: Path, listing: FoundSeries) -> str:
    return f"{file.name} {listing.left_out[0].reason}; give the folder of its series, or a file that holds all slices."
