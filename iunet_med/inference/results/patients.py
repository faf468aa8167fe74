"""The table that leads from the anonymous names of DICOM cases back to patients; the report never shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from iunet_med.csv_rows import write_rows
from iunet_med.inference.intake.source import Source

PATIENTS = "patients.csv"


@dataclass(frozen=True)
class PatientRow:
    """One series of a DICOM case: whose it is, what was taken for which modality, where its files lie, what they are.

    A case that could not be put together has one row without a series.
    """

    case: str
    patient_id: str
    modality: str
    series: str
    folder: str
    number: str = ""
    description: str = ""
    slices: str = ""
    slice_step_mm: str = ""


def write_patients(output: Path, sources: Sequence[Source], *, root: Path) -> None:
    """Write the table of the DICOM cases beside their results, with folders below `root`; without such cases, none."""
    (output / PATIENTS).unlink(missing_ok=True)
    if rows := [row for source in sources if source.patient is not None for row in _rows(source, root)]:
        write_rows(output / PATIENTS, rows, row_type=PatientRow)


def _rows(source: Source, root: Path) -> list[PatientRow]:
    from iunet_med.volumes.dicom import slice_step_mm  # pydicom takes a while

    patient = source.patient or ""
    rows = []
    for name, one in (source.series or {}).items():
        folder = one.files[0].parent
        below = folder.relative_to(root).as_posix() if folder.is_relative_to(root) else str(folder)
        step = slice_step_mm(one)
        slices, distance = (str(len(one.frames)), f"{step:.4g}") if isfinite(step) else ("", "")
        about = (one.number, one.text, slices, distance)
        rows.append(PatientRow(source.name, patient, name, one.key, below, *about))
    return rows or [PatientRow(source.name, patient, "", "", "")]
