"""A series becomes the volume that SimpleITK reads, to the voxel; what has no honest volume is refused."""

import os
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from pydicom.uid import generate_uid

from iunet_med.volumes.dicom import find_series, read_series

Write = Callable[..., list[Path]]
DATA = Path(os.environ.get("IUNET_MED_SHARED_DATA", Path(__file__).parents[3].parent / "shared" / "data"))


def only(root: Path, **options: bool) -> nib.Nifti1Image:
    (series,) = find_series(root).series
    return read_series(series, **options)


def positions(image: nib.Nifti1Image) -> np.ndarray:
    return nib.affines.apply_affine(image.affine, np.moveaxis(np.indices(image.shape), 0, -1))


def assert_linear(image: nib.Nifti1Image, atol: float) -> None:
    np.testing.assert_allclose(image.get_fdata(), positions(image) @ [3.0, -5.0, 7.0] + 100, rtol=0, atol=atol)


def assert_no_patient(text: str) -> None:
    assert not [word for word in ("secret", "1901", "1.2.826") if word in text.lower()]


def test_values_lie_where_the_scanner_put_them(tmp_path: Path, write: Write) -> None:
    write(tmp_path)
    image = only(tmp_path)
    assert image.shape == (8, 10, 6)
    assert_linear(image, atol=0.013)  # half of the coarsest rescale slope


def test_volume_is_that_of_simpleitk(tmp_path: Path, write: Write) -> None:
    files = write(tmp_path)
    image = only(tmp_path)
    reference = sitk.ReadImage([str(path) for path in files])
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(reference.GetDirection(), (3, 3)) * reference.GetSpacing()
    affine[:3, 3] = reference.GetOrigin()
    np.testing.assert_allclose(image.affine, np.diag([-1, -1, 1, 1]) @ affine, rtol=0, atol=1e-4)
    np.testing.assert_allclose(image.get_fdata(), sitk.GetArrayFromImage(reference).T, rtol=0, atol=1e-4)


def test_whole_numbers_stay_int16(tmp_path: Path, write: Write) -> None:
    write(tmp_path, RescaleSlope="1", RescaleIntercept="-1024")
    assert only(tmp_path).get_data_dtype() == np.int16


def test_missing_slice_is_refused_or_interpolated(tmp_path: Path, write: Write, at: Callable[..., np.ndarray]) -> None:
    write(tmp_path, at=[at(number) for number in (0, 1, 2, 4, 5)])
    (series,) = find_series(tmp_path).series
    with pytest.raises(ValueError, match=r"1 slices seem to be missing.*2\.500 to 5\.000 mm.*5\.000 mm after slice 3"):
        read_series(series)
    image = read_series(series, resample_uneven=True)
    assert image.shape == (8, 10, 6)
    assert_linear(image, atol=0.03)
    assert bytes(image.header["descrip"]).startswith(b"resampled to 2.500 mm")


def test_uneven_slices_are_refused_or_interpolated(tmp_path: Path, write: Write, at: Callable[..., np.ndarray]) -> None:
    write(tmp_path, at=[at(number) for number in (0, 1, 2, 3.4, 4.4, 5.4)])
    (series,) = find_series(tmp_path).series
    with pytest.raises(ValueError, match=r"not evenly spaced.*2\.500 to 3\.500 mm"):
        read_series(series)
    assert_linear(read_series(series, resample_uneven=True), atol=0.03)


def test_a_gap_that_would_make_millions_of_slices_is_refused(
    tmp_path: Path, write: Write, at: Callable[..., np.ndarray]
) -> None:
    write(tmp_path, at=[at(number) for number in (0, 0.0006, 0.0012, 0.0018, 1e4)])
    (series,) = find_series(tmp_path).series
    with pytest.raises(ValueError, match=r"\d{8} slices of \(8, 10\) voxels would come .* to 0\.00\d mm; .*positions"):
        read_series(series, resample_uneven=True)


def test_tilt_is_refused_with_its_angle(tmp_path: Path, write: Write, at: Callable[..., np.ndarray]) -> None:
    shift = np.tan(np.radians(15)) * 2.5 * (at(1) - at(0))[[1, 0, 2]]
    row = np.linalg.qr(np.column_stack([at(1) - at(0), shift]))[0][:, 1]
    write(tmp_path, at=[at(number) + number * np.tan(np.radians(15)) * 2.5 * row for number in range(6)])
    (series,) = find_series(tmp_path).series
    with pytest.raises(ValueError, match=r"tilted by 15\.00 degrees.*dcm2niix") as error:
        read_series(series, resample_uneven=True)
    assert_no_patient(str(error.value))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PixelSpacing": None}, "no valid PixelSpacing"),
        ({"PixelSpacing": [0, 1]}, r"PixelSpacing \(0\.0, 1\.0\); positive"),
        ({"ImageOrientationPatient": None}, "no valid ImageOrientationPatient"),
        ({"ImagePositionPatient": None}, "no valid ImagePositionPatient"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "two unit vectors at a right angle"),
        ({"Rows": 65535, "Columns": 65535}, "at most 1073741824 are read"),
        ({"PixelData": b"\x00\x00"}, "is cut off: 2 bytes of pixel data came, 160 are needed"),
        ({"PixelData": None}, "holds no pixel data"),
        ({"RescaleIntercept": None}, "RescaleSlope alone"),
        ({"RescaleSlope": "0"}, "RescaleSlope of zero"),
    ],
)
def test_what_has_no_volume_is_refused(tmp_path: Path, write: Write, changes: dict[str, object], message: str) -> None:
    write(tmp_path, **changes)
    for series in find_series(tmp_path).series:
        with pytest.raises(ValueError, match=message) as error:
            read_series(series)
        assert_no_patient(str(error.value))
    assert find_series(tmp_path).series


def test_different_slices_at_one_place_are_refused(tmp_path: Path, write: Write) -> None:
    uids = (generate_uid(), generate_uid())
    write(tmp_path / "a", uids=uids)
    write(tmp_path / "b", uids=uids, RescaleSlope="0.5")
    with pytest.raises(ValueError, match="6 pairs of different slices lie at the same place"):
        only(tmp_path)


@pytest.mark.skipif(not (DATA / "ct").is_dir(), reason="the real CT series is not here")
def test_real_ct_fits_its_labels() -> None:
    labels = nib.as_closest_canonical(nib.load(DATA / "ct/torso_dicom_labels.nii.gz"))
    image = nib.as_closest_canonical(only(DATA / "ct/torso_dicom"))
    np.testing.assert_allclose(image.affine, labels.affine, atol=1e-4)
    values, organs = image.get_fdata(), np.asarray(labels.dataobj)
    assert 50 < values[organs == 5].mean() < 150  # liver
    assert 0 < values[organs == 1].mean() < 150  # spleen
