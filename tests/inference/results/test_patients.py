"""The table beside the results says whose each DICOM case is; nothing else that is written does."""

import csv
from pathlib import Path

from iunet_med.inference.intake.source import Source
from iunet_med.inference.results.patients import write_patients
from iunet_med.volumes.dicom import Series


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_cases_lead_back_to_patients_and_series_to_folders(tmp_path: Path) -> None:
    files = (tmp_path / "scans" / "DOE" / "1.dcm",)
    series = {"t1": Series("series-a", "study-1", "patient-1", "T1", "MR", files)}
    sources = [
        Source("study-1", {}, series=series, patient="=1234"),
        Source("study-2", {}, problem="no series fits", patient=""),
        Source("P01", {"t1": tmp_path / "t1.nii"}),
    ]
    write_patients(tmp_path / "out", sources, root=tmp_path / "scans")
    assert rows(tmp_path / "out" / "patients.csv") == [
        ["case", "patient_id", "modality", "series", "folder", "number", "description", "slices", "slice_step_mm"],
        ["study-1", "'=1234", "t1", "series-a", "DOE", "", "T1", "", ""],
        ["study-2", "", "", "", "", "", "", "", ""],
    ]


def test_a_run_without_dicom_leaves_no_table_of_another_run(tmp_path: Path) -> None:
    (tmp_path / "patients.csv").write_text("case\n")
    write_patients(tmp_path, [Source("P01", {"t1": tmp_path / "t1.nii"})], root=tmp_path)
    assert not (tmp_path / "patients.csv").exists()
