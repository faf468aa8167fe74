"""Reads a case's files as one array of channels on one grid, and checks them on the way."""

import hashlib
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from iunet_med.checks.contrast import check_contrast
from iunet_med.checks.file import Modality, read_checked
from iunet_med.checks.finding import Finding, refuse
from iunet_med.checks.volume import check_volume
from iunet_med.files import add_file
from iunet_med.inference.intake.case_lists import WHOLE
from iunet_med.inference.intake.source import Source
from iunet_med.volumes import AFFINE_TOLERANCE, Volume
from iunet_med.volumes.linear import image_on_grid

UNEVEN = "uneven-slices"
"""The check that speaks where DICOM slices were brought to an even, upright grid."""


@dataclass(frozen=True)
class Channels:
    """A case's channels (C, X, Y, Z), float32, in the network's order, on the grid of the first one.

    `affine` leads from voxel index to RAS+ mm, `header` is that of the first file as `iunet_med.volumes.Volume` has it.
    """

    data: NDArray[np.float32]
    affine: NDArray[np.float64]
    header: nib.Nifti1Header | None
    findings: tuple[Finding, ...]


def read_case(
    source: Source,
    modalities: Sequence[str],
    *,
    modality: Modality | None,
    zero_background: bool,
    resample_uneven: bool = False,
    contents: MutableMapping[Path, bytes] | None = None,
) -> Channels:
    """Read and check a case; modalities on another grid than the first one's are resampled to it, with a warning.

    Args:
        source: the case.
        modalities: names of the network's channels.
        modality: "CT", "MR" or None, as in `check_volume`.
        zero_background: as in `check_volume`.
        resample_uneven: whether unevenly spaced or tilted DICOM slices are brought to an even grid, with a warning.
        contents: of DICOM files that were read already; each is taken out when it is used.

    Raises:
        ValueError: a file is damaged or of another kind, or modalities do not overlap.
        RefusedError: a check refuses the case.
    """
    kind: dict[str, Any] = {"modality": modality, "zero_background": zero_background}
    findings: list[Finding] = []
    if WHOLE in source.files:
        volume, found = read_checked(source.files[WHOLE], channels=len(modalities), **kind)
        findings += refuse(found)
        array = volume.array if volume.array.ndim == 4 else volume.array[..., None]
        order = [source.channels.index(name) for name in modalities] if source.channels else range(len(modalities))
        data = np.empty((len(modalities), *array.shape[:3]), np.float32)
        for channel, place in zip(data, order, strict=True):
            channel[...] = array[..., place]
        findings += check_contrast(data, list(modalities)) if zero_background else ()
        return Channels(data, volume.affine, volume.header, tuple(findings))
    present = source.present(modalities)
    data, first = np.empty(0, np.float32), Volume(np.empty(0), np.eye(4))
    for name in present:
        if name in (source.series or {}):
            options = {"resample_uneven": resample_uneven, "contents": contents}
            volume, found = _read_series((source.series or {})[name], kind, options)
        else:
            volume, found = read_checked(source.files[name], **kind)
        findings += _named(refuse(found), name)
        if name == present[0]:
            first, data = volume, np.zeros((len(modalities), *volume.array.shape), np.float32)
        if difference := volume.grid.differs_from(first.grid):
            findings.append(_other_grid(name, present[0], difference))
            volume = image_on_grid(volume, first.grid, name=name, to=present[0])
        data[modalities.index(name)] = volume.array
    there = [modalities.index(name) for name in present]
    findings += check_contrast(data[there] if len(there) < len(data) else data, present) if zero_background else ()
    if absent := [name for name in modalities if name not in present]:
        findings.append(_absent(absent))
    return Channels(data, first.affine, first.header, tuple(findings))


def dicom_contents(source: Source) -> dict[Path, bytes]:
    """Read the DICOM files of a case, once for all that is made of them."""
    return {path: path.read_bytes() for one in (source.series or {}).values() for path in one.files}


def files_digest(source: Source, contents: Mapping[Path, bytes]) -> str:
    """SHA-256 over the content of a case's files, in their order; names and places do not matter."""
    digest = hashlib.sha256()
    for path in source.files.values():
        add_file(digest, path)
    for content in contents.values():
        digest.update(content)
    return digest.hexdigest()


def _read_series(series: Any, kind: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[Volume, list[Finding]]:
    from iunet_med.volumes.dicom import read_series  # pydicom takes a while

    image = read_series(series, **options)
    note = bytes(image.header["descrip"].item()).decode("ascii", "replace")
    found = [Finding("warning", UNEVEN, f"the slices are not even and upright; they were {note}.")] if note else []
    volume = Volume(np.asarray(image.dataobj), np.asarray(image.affine, np.float64))
    return volume, [*found, *check_volume(volume.array, volume.affine, **kind)]


def _other_grid(name: str, first: str, difference: str) -> Finding:
    message = (
        f"{name} lies on another grid than {first}, {difference} (tolerance {AFFINE_TOLERANCE}); it was resampled to "
        f"that of {first} by the headers alone; if the patient moved between the scans, register them first."
    )
    return Finding("warning", "grid", message)


def _absent(names: Sequence[str]) -> Finding:
    message = (
        f"{', '.join(names)} is not there, and the network saw an empty image in its place; only weights that were "
        "trained to do without give useful results, and less accurate ones."
    )
    return Finding("warning", "missing-modality", message)


def _named(findings: Sequence[Finding], name: str) -> list[Finding]:
    return [Finding(finding.level, finding.check, f"{name}: {finding.message}") for finding in findings]
