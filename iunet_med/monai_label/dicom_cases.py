"""Series of a DICOMweb server as cases: one per study, or one per series for networks of one modality."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from iunet_med.inference.intake.dicom_sources import only_series
from iunet_med.volumes import read_volume, write_nifti
from iunet_med.volumes.dicom import Series, match_modalities, read_series
from iunet_med.volumes.linear import image_on_grid


@dataclass(frozen=True)
class DicomCase:
    """The series that are segmented together.

    Args:
        study: its StudyInstanceUID.
        patient: what its patient is known by; the study where the server does not say.
        series: the SeriesInstanceUID of each modality.
    """

    study: str
    patient: str
    series: Mapping[str, str]


def dicom_cases(
    series: Sequence[Series], modalities: Sequence[str], patterns: Mapping[str, str]
) -> tuple[list[DicomCase], dict[str, str]]:
    """Sort series into cases.

    Args:
        series: with the UIDs as keys and studies.
        modalities: of the network's channels.
        patterns: of the descriptions, by modality; for one modality they may be left out.

    Returns:
        The cases, and by study why it is none.
    """
    if not patterns:
        return [DicomCase(one.study, _patient(one), {modalities[0]: one.key}) for one in series], {}
    studies: dict[str, list[Series]] = defaultdict(list)
    for one in series:
        studies[one.study].append(one)
    cases, problems = [], {}
    for study, some in studies.items():
        try:
            matched = match_modalities(some, {name: patterns[name] for name in modalities}, show_descriptions=True)
        except ValueError as error:
            problems[study] = str(error)
        else:
            cases.append(DicomCase(study, _patient(some[0]), {name: one.key for name, one in matched.items()}))
    return cases, problems


def write_series(folder: Path, path: Path) -> None:
    """Read the one series in a folder as `segment` does, and write it as NIfTI.

    Raises:
        ValueError: there is none, there are several, or it is no volume.
    """
    image = read_series(only_series(folder))
    write_nifti(path, np.asarray(image.dataobj), image.affine, like=None)


def on_one_grid(files: Mapping[str, Path], to: str, folder: Path) -> list[Path]:
    """Bring a case's files to the grid of one of them.

    Args:
        files: by modality.
        to: the modality whose grid it is.
        folder: where those that lie on another grid are written.

    Returns:
        The files in the same order.

    Raises:
        ValueError: two of them do not overlap.
    """
    grid = read_volume(files[to]).grid
    placed = []
    for name, path in files.items():
        volume = read_volume(path)
        if not volume.grid.differs_from(grid):
            placed.append(path)
            continue
        if not (moved := folder / path.name).is_file():
            resampled = image_on_grid(volume, grid, name=name, to=to)
            folder.mkdir(parents=True, exist_ok=True)
            write_nifti(moved, resampled.array, resampled.affine, like=None)
        placed.append(moved)
    return placed


def _patient(series: Series) -> str:
    return series.patient_number or series.study
