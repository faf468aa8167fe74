"""Files of one case are stacked though their headers are rounded differently."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from monai.transforms import LoadImage

from iunet_med.datasets import ModalityReader


@pytest.mark.parametrize(("error", "fits"), [(5e-4, True), (5e-2, False)])
def test_affines_may_differ_by_rounding(tmp_path: Path, error: float, fits: bool) -> None:
    volumes = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    paths = [tmp_path / "a.nii.gz", tmp_path / "b.nii.gz"]
    for path, volume, shift in zip(paths, volumes, (0, error), strict=True):
        nib.save(nib.Nifti1Image(volume, np.eye(4) + shift), path)
    reader = ModalityReader()
    images = reader.read(paths)
    if fits:
        stacked, meta = reader.get_data(images)
        np.testing.assert_array_equal(stacked, volumes)
        np.testing.assert_array_equal(meta["affine"], np.eye(4))
    else:
        with pytest.raises(ValueError, match=r"b\.nii\.gz lies on another grid than .*a\.nii\.gz, affine .*; regis"):
            reader.get_data(images)


def test_a_single_file_is_read_as_by_monai(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    nib.save(nib.Nifti1Image(np.arange(24, dtype=np.float32).reshape(2, 3, 4), np.diag([2.0, 1, 1, 1])), path)
    image = LoadImage(reader=ModalityReader())(path)
    assert image[1, 2, 3] == 23
    assert image.affine[0, 0] == 2
