"""Files of every format are read as one array on one grid, and what is wrong with one is told."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK

from iunet_med.checks.finding import RefusedError
from iunet_med.inference.intake.case_lists import WHOLE
from iunet_med.inference.intake.inputs import read_case
from iunet_med.inference.intake.source import Source
from iunet_med.volumes import read_volume

AFFINE = nib.affines.from_matvec(nib.eulerangles.euler2mat(0.3, -0.2, 0.25) @ np.diag([-2, 2, 3]), [3, -40, 7])
IMAGE = np.random.default_rng(0).normal(100, 20, (20, 21, 22)).astype(np.float32)


def nifti(path: Path, array: np.ndarray = IMAGE, affine: np.ndarray = AFFINE) -> Path:
    nib.save(nib.Nifti1Image(array, affine), path)
    return path


@pytest.mark.parametrize("ending", ["nrrd", "mha"])
def test_other_formats_have_the_same_array_and_affine(ending: str, tmp_path: Path) -> None:
    original = nifti(tmp_path / "a.nii")
    SimpleITK.WriteImage(SimpleITK.ReadImage(str(original)), str(tmp_path / f"a.{ending}"))
    read = read_volume(tmp_path / f"a.{ending}")
    np.testing.assert_array_equal(read.array, IMAGE)
    np.testing.assert_allclose(read.affine, AFFINE, atol=1e-4)


def test_scaled_integers_come_as_scaled(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.arange(8000, dtype=np.int16).reshape(20, 20, 20), AFFINE)
    image.header.set_slope_inter(0.5, -3)
    nib.save(image, tmp_path / "a.nii.gz")
    read = read_volume(tmp_path / "a.nii.gz")
    np.testing.assert_allclose(read.array, nib.load(tmp_path / "a.nii.gz").get_fdata(), rtol=1e-6)


def test_channels_of_one_file_are_ordered_by_name(tmp_path: Path) -> None:
    path = nifti(tmp_path / "a.nii", np.stack([IMAGE, 2 * IMAGE], -1))
    source = Source("a", {WHOLE: path}, channels=("flair", "t1"))
    volume = read_case(source, ["t1", "flair"], modality="MR", zero_background=False)
    np.testing.assert_array_equal(volume.data, np.stack([2 * IMAGE, IMAGE]))


def test_another_grid_is_resampled_with_a_warning(tmp_path: Path) -> None:
    moved = AFFINE @ nib.affines.from_matvec(np.eye(3), [0, 0, 2])
    files = {"t1": nifti(tmp_path / "a.nii"), "t2": nifti(tmp_path / "b.nii", affine=moved)}
    volume = read_case(Source("a", files), ["t1", "t2"], modality="MR", zero_background=False)
    np.testing.assert_allclose(volume.data[1, 1:-1, 1:-1, 3:], IMAGE[1:-1, 1:-1, 1:-2], atol=1e-3)
    assert [finding.check for finding in volume.findings] == ["grid"]
    far = nifti(tmp_path / "c.nii", affine=AFFINE @ nib.affines.from_matvec(np.eye(3), [900, 0, 0]))
    with pytest.raises(ValueError, match="t2 does not overlap with t1"):
        read_case(Source("a", {**files, "t2": far}), ["t1", "t2"], modality="MR", zero_background=False)


def test_refusals_are_raised_with_their_findings(tmp_path: Path) -> None:
    path = nifti(tmp_path / "a.nii", np.zeros_like(IMAGE))
    with pytest.raises(RefusedError, match="is 0 in every voxel") as caught:
        read_case(Source("a", {"t1": path}), ["t1"], modality="MR", zero_background=False)
    assert [finding.check for finding in caught.value.findings] == ["constant-image"]


def test_impossible_files_are_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "a.nrrd").write_text("NRRD0004\ntype: float\ndimension: 3\nsizes: 9 9 9\nencoding: raw\n\n")
    header = "ObjectType = Image\nNDims = 3\nDimSize = 30000 30000 30000\nElementType = MET_FLOAT\n"
    (tmp_path / "a.mha").write_text(header + "ElementDataFile = LOCAL\n")
    for name, text in (
        ("a.txt", r"expected a NIfTI .* got a\.txt"),
        ("b.nii", r"no file b\.nii"),
        ("a.nrrd", r"a\.nrrd is not a readable image"),
        ("a.mha", r"a\.mha has shape .* GiB are free"),
    ):
        with pytest.raises(ValueError, match=text):
            read_volume(tmp_path / name)
