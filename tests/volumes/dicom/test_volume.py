"""A series becomes the volume that SimpleITK reads, to the voxel; what has no honest volume is refused."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from pydicom.uid import generate_uid

from iunet_med.volumes.dicom import Series, find_series, read_series

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
    with pytest.raises(ValueError, match=r"gaps of 0\.001 to .* would make \d{10} voxels; .*positions"):
        read_series(series, resample_uneven=True)


def tilted(write: Write, root: Path, at: Callable[..., np.ndarray], numbers: Sequence[float], degrees: float) -> Series:
    """Slices that shift within their plane, along both of its axes, as by a gantry that is tilted."""
    normal = (at(1) - at(0)) / np.linalg.norm(at(1) - at(0))
    aside = np.linalg.qr(np.column_stack([normal, [1.0, 2.0, 3.0]]))[0][:, 1]
    shift = np.tan(np.radians(degrees)) * np.linalg.norm(at(1) - at(0)) * aside
    write(root, at=[at(number) + number * shift for number in numbers])
    (series,) = find_series(root).series
    return series


@pytest.mark.parametrize("degrees", [0.5, 15, -25])
def test_tilted_slices_are_refused_or_made_upright(
    tmp_path: Path, write: Write, at: Callable[..., np.ndarray], degrees: float
) -> None:
    series = tilted(write, tmp_path, at, range(6), degrees)
    said = rf"tilted by {abs(degrees)}\.?0+ degrees: they shift by .* mm of height in 6 slices; .*\(--resample-uneven\)"
    with pytest.raises(ValueError, match=said) as error:
        read_series(series)
    assert_no_patient(str(error.value))
    image = read_series(series, resample_uneven=True)
    assert bytes(image.header["descrip"]).startswith(b"upright from ")
    step, plane = image.affine[:3, 2], image.affine[:3, :2]
    np.testing.assert_allclose(step @ plane, 0, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(step), 2.5, atol=1e-6)
    inside = image.get_fdata() > image.get_fdata().min() + 1e-3  # the rest lies beside the slices
    assert 0.8 * 480 < inside.sum() <= 480
    wanted = positions(image) @ [3.0, -5.0, 7.0] + 100
    np.testing.assert_allclose(image.get_fdata()[inside], wanted[inside], rtol=0, atol=0.03)


def test_tilted_and_uneven_slices_are_made_even_and_upright(
    tmp_path: Path, write: Write, at: Callable[..., np.ndarray]
) -> None:
    series = tilted(write, tmp_path, at, (0, 1, 2, 4, 5), 10)
    with pytest.raises(ValueError, match=r"1 slices seem to be missing.*; the slices are tilted by 10\.00 degrees"):
        read_series(series)
    image = read_series(series, resample_uneven=True)
    note = bytes(image.header["descrip"].item())
    assert note == b"resampled to 2.500 mm from 2.500 to 5.000 mm; upright from 10.00 degrees"
    inside = image.get_fdata() > image.get_fdata().min() + 1e-3
    wanted = positions(image) @ [3.0, -5.0, 7.0] + 100
    np.testing.assert_allclose(image.get_fdata()[inside], wanted[inside], rtol=0, atol=0.03)
    assert inside[..., 3].sum() > 40  # the slice that was missing


def test_a_tilt_that_would_make_a_huge_volume_is_refused(
    tmp_path: Path, write: Write, at: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    series = tilted(write, tmp_path, at, range(6), 45)
    monkeypatch.setattr("iunet_med.volumes.dicom.resampling.MAX_VOXELS", 1000)
    with pytest.raises(ValueError, match=r"a tilt of 45\.00 degrees would make \d{4} voxels; at most 1000 are made"):
        read_series(series, resample_uneven=True)


def test_even_slices_reach_from_the_first_to_the_last_one(
    tmp_path: Path, write: Write, at: Callable[..., np.ndarray]
) -> None:
    write(tmp_path, at=[at(number) for number in (0, 1, 2, 3.4, 4.4)])
    image = only(tmp_path, resample_uneven=True)
    assert image.shape == (8, 10, 5)
    np.testing.assert_allclose(positions(image)[0, 0, -1] * [-1, -1, 1], at(4.4), atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PixelSpacing": None}, "no valid PixelSpacing"),
        ({"PixelSpacing": [0, 1]}, r"PixelSpacing \(0\.0, 1\.0\); expected positive"),
        ({"ImageOrientationPatient": None}, "no valid ImageOrientationPatient"),
        ({"ImagePositionPatient": None}, "no valid ImagePositionPatient"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "two unit vectors at a right angle"),
        ({"Rows": 65535, "Columns": 65535}, "at most 1073741824 are read"),
        ({"PixelData": b"\x00\x00"}, "is cut off: expected 160 bytes of pixel data, got 2"),
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
