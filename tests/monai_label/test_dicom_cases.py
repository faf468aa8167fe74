"""Series are sorted into cases by their descriptions, and a case's files are brought to one grid."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from pydicom.uid import generate_uid

from iunet_med.monai_label.dicom_cases import dicom_cases, on_one_grid, write_series
from iunet_med.volumes import read_volume
from iunet_med.volumes.dicom import Series
from tests.monai_label.conftest import OBLIQUE
from tests.monai_label.orthanc import series_of

UPRIGHT = np.diag([-2.0, -1.0, 1.5, 1.0])


def found(study: str, description: str, patient: str = "") -> Series:
    return Series(
        key=f"{study}.{description}",
        study=study,
        patient="",
        description=description,
        modality="MR",
        files=(),
        patient_number=patient,
    )


def test_a_study_is_a_case_if_each_pattern_fits_one_series() -> None:
    series = [found("1", "ax T1", "P"), found("1", "ax T2", "P"), found("1", "DWI", "P"), found("2", "ax T1")]
    cases, problems = dicom_cases(series, ["t1", "t2"], {"t2": "*T2", "t1": "*t1"})
    assert [(case.study, case.patient, dict(case.series)) for case in cases] == [
        ("1", "P", {"t1": "1.ax T1", "t2": "1.ax T2"})
    ]
    assert "t2: 0 series fit '*T2', exactly one must; the candidates are 2.ax T1 (MR, 'ax T1')" in problems["2"]


def test_for_one_modality_each_series_is_a_case() -> None:
    cases, problems = dicom_cases([found("1", "thin"), found("1", "thick")], ["ct"], {})
    assert [(case.patient, dict(case.series)) for case in cases] == [("1", {"ct": "1.thin"}), ("1", {"ct": "1.thick"})]
    assert not problems


def test_series_are_read_where_they_lie(tmp_path: Path) -> None:
    drawn = np.random.default_rng(0).integers(0, 1000, (6, 5, 4)).astype(np.int16)
    image = nib.Nifti1Image(drawn, OBLIQUE)
    for number, one in enumerate(series_of(image, study="1", description="", frame_of_reference=generate_uid())):
        one.save_as(tmp_path / f"{number}.dcm", enforce_file_format=True)
    write_series(tmp_path, tmp_path / "a.nii.gz")
    read = read_volume(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(read.array, drawn)
    np.testing.assert_allclose(read.affine, OBLIQUE, atol=1e-4)


def test_files_come_to_the_grid_of_the_one_that_is_asked_for(tmp_path: Path) -> None:
    """A linear function of the place is kept by linear interpolation, wherever the grids lie."""

    def ramp(shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
        places = nib.affines.apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1))
        return (places @ [1.0, -2.0, 3.0] + 500).astype(np.float32)

    grids = {"t1": ((20, 22, 18), OBLIQUE), "t2": ((12, 25, 16), UPRIGHT.copy())}
    grids["t2"][1][:3, 3] = [12, 15, -6]
    files = {}
    for name, (shape, affine) in grids.items():
        files[name] = tmp_path / f"{name}.nii.gz"
        nib.save(nib.Nifti1Image(ramp(shape, affine), affine), files[name])
    assert on_one_grid(files, "t1", tmp_path / "placed") != list(files.values())
    for to in files:
        placed = on_one_grid(files, to, tmp_path / f"on-{to}")
        for name, path in zip(files, placed, strict=True):
            volume = read_volume(path)
            assert (path == files[name]) == (name == to)
            inside = volume.array > 0
            assert inside.mean() > 0.02
            shape, affine = grids[to]
            index = nib.affines.apply_affine(
                np.linalg.inv(grids[name][1]) @ affine, np.moveaxis(np.indices(shape), 0, -1)
            )
            within = np.all((index > 0) & (index < np.array(grids[name][0]) - 1), axis=-1)
            np.testing.assert_allclose(volume.array[within], ramp(shape, affine)[within], rtol=1e-4)


def test_files_that_lie_apart_are_refused(tmp_path: Path) -> None:
    far = OBLIQUE.copy()
    far[:3, 3] += 1000
    for name, affine in (("t1", OBLIQUE), ("t2", far)):
        nib.save(nib.Nifti1Image(np.ones((4, 4, 4), np.float32), affine), tmp_path / f"{name}.nii.gz")
    files = {name: tmp_path / f"{name}.nii.gz" for name in ("t1", "t2")}
    with pytest.raises(ValueError, match="t2 does not overlap with t1; expected one patient's scans in one space"):
        on_one_grid(files, "t1", tmp_path / "placed")
