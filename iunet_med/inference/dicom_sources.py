"""A folder of DICOM as cases: one per study, or one per series for networks of one modality."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from iunet_med.inference.sources import Source
from iunet_med.volumes.dicom import Series, find_series, match_modalities


def dicom_sources(
    root: Path,
    modalities: Sequence[str],
    *,
    series: Mapping[str, str],
    keep_identifiers: bool,
    on_left_out: Callable[[str, str], object],
) -> list[Source]:
    """List the cases below a folder, each under an anonymous name.

    Args:
        root: the folder.
        modalities: names of the network's channels.
        series: for each modality the pattern of its series' description. For one modality it may be left out: then
            every series is a case.
        keep_identifiers: whether descriptions, and the patient's number as the case's name, may be shown.
        on_left_out: called with the path below `root` of each file that belongs to no series, and why.

    Raises:
        ValueError: a modality has no pattern, or a pattern no modality.
    """
    if (len(modalities) > 1 or series) and set(series) != set(modalities):
        raise ValueError(
            f"--map names {', '.join(series) or 'nothing'}; needed: one pattern for each of {', '.join(modalities)}; "
            "series are never guessed. `iunet-med segment FOLDER --list` shows their descriptions and keys."
        )
    listing = find_series(root)
    for item in listing.left_out:
        on_left_out(item.path.relative_to(root).as_posix(), item.reason)
    found = listing.series
    if not series:
        names = _names(found, keep_identifiers=keep_identifiers, by="key")
        return [Source(names[one.key], {}, series={modalities[0]: one}, patient=patient_of(one)) for one in found]
    studies: dict[str, list[Series]] = defaultdict(list)
    for one in found:
        studies[one.study].append(one)
    names = _names(found, keep_identifiers=keep_identifiers, by="study")
    return [
        _case(names[study], some, {name: series[name] for name in modalities}, keep_identifiers=keep_identifiers)
        for study, some in studies.items()
    ]


def _case(name: str, some: Sequence[Series], patterns: Mapping[str, str], *, keep_identifiers: bool) -> Source:
    patient = patient_of(some[0])
    try:
        series = match_modalities(some, patterns, show_descriptions=keep_identifiers)
        return Source(name, {}, series=series, patient=patient)
    except ValueError as error:
        return Source(name, {}, problem=str(error), patient=patient)


def _names(found: Sequence[Series], *, keep_identifiers: bool, by: str) -> dict[str, str]:
    """Name each study or series: by the anonymous key, with the patient's number before it if that may be shown."""
    if not keep_identifiers:
        return {str(getattr(one, by)): str(getattr(one, by)) for one in found}
    names = {}
    for one in found:
        key = str(getattr(one, by))
        number = patient_of(one)
        names[key] = f"{number}-{key}" if number else key
    return names


def patient_of(one: Series) -> str:
    """Return the patient's number that the files of a series bear; it may be empty."""
    import pydicom

    header = pydicom.dcmread(one.files[0], stop_before_pixels=True, specific_tags=["PatientID"])
    return str(header.get("PatientID") or "")


def only_series(folder: Path) -> Series:
    """Return the one series in a folder.

    Raises:
        ValueError: there is none, or there are several.
    """
    found = find_series(folder).series
    if len(found) != 1:
        keys = ", ".join(one.key for one in found) or "none"
        raise ValueError(
            f"the folder {folder.name} holds {len(found)} DICOM series ({keys}); needed: one; give each series a "
            "folder of its own, or the whole folder with a pattern per modality (--map)."
        )
    return found[0]
