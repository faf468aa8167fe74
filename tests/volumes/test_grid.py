"""A file's header tells its grid, and its last bytes whether it is whole."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from iunet_med.volumes import Grid, read_grid

ANISOTROPIC_LPI = np.array([[-1.0, 0, 0, 9], [0, 0, -3.0, 4], [0, 2.0, 0, 1], [0, 0, 0, 1]])


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.nii.gz"
    noise = np.random.default_rng(0).normal(size=(11, 21, 31)).astype(np.float32)
    nib.save(nib.Nifti1Image(noise, ANISOTROPIC_LPI), path)
    return path


def test_grid_is_the_headers(image: Path) -> None:
    grid = read_grid(image)
    assert grid.shape == (11, 21, 31)
    np.testing.assert_allclose(grid.affine, ANISOTROPIC_LPI)


def test_size_after_resampling_is_told_in_patient_axes(image: Path) -> None:
    # voxels of 1 x 2 x 3 mm along R, S, A: extents of 10, 40 and 90 mm
    assert read_grid(image).size_at((1.0, 1.0, 1.0)) == (11, 91, 41)
    assert read_grid(image).size_at((2.0, 3.0, 4.0)) == (6, 31, 11)


def test_several_gzip_members_are_as_good_as_one(image: Path, tmp_path: Path) -> None:
    raw = gzip.decompress(image.read_bytes())
    joined = tmp_path / "joined.nii.gz"
    joined.write_bytes(gzip.compress(raw[:5000]) + gzip.compress(raw[5000:]))
    assert read_grid(joined).shape == (11, 21, 31)


@pytest.mark.parametrize("kept", [0.9, 0.05])
def test_a_cut_file_is_found_out(image: Path, kept: float) -> None:
    content = image.read_bytes()
    image.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ValueError, match=r"image\.nii\.gz is not a readable NIfTI image \(Compressed file ended"):
        read_grid(image)


def test_a_cut_uncompressed_file_is_found_out(image: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat.nii"
    flat.write_bytes(gzip.decompress(image.read_bytes())[:5000])
    with pytest.raises(ValueError, match=r"flat\.nii is cut off: 5000 bytes of 28996"):
        read_grid(flat)


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\x00" * 400])
@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz"])
def test_what_is_no_image_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"is not a readable NIfTI image"):
        read_grid(tmp_path / name)


def test_an_affine_without_volume_is_refused(tmp_path: Path) -> None:
    flat = np.array([[1.0, 1.0, 0, 0], [0, 0, 0, 0], [0, 0, 1.0, 0], [0, 0, 0, 1]])
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), flat), tmp_path / "flat.nii")
    with pytest.raises(ValueError, match="affine that maps no volume"):
        read_grid(tmp_path / "flat.nii")


def test_grids_differ_by_shape_or_by_more_than_rounding() -> None:
    grid = Grid((4, 4, 4), np.eye(4))
    assert grid.differs_from(Grid((4, 4, 4, 7), np.eye(4) + 1e-4)) == ""
    assert grid.differs_from(Grid((4, 4, 5), np.eye(4))) == "shape (4, 4, 4) against (4, 4, 5)"
    assert grid.differs_from(Grid((4, 4, 4), 2 * np.eye(4))).startswith("affine [[1.0, 0.0, 0.0, 0.0], ")
