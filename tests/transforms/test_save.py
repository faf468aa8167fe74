"""What is written lies on the voxels of its image."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import SaveImaged

from iunet_med.transforms import SaveSegmentationd

AFFINE = np.array([[-0.9, 0.3, 0.1, 70.3], [0.2, 1.4, -0.2, -81.7], [0.1, 0.2, 2.9, 12.1], [0, 0, 0, 1]])


def segmentation(shape: tuple[int, ...], affine: np.ndarray) -> MetaTensor:
    values = torch.arange(np.prod(shape), dtype=torch.uint8).reshape(1, *shape) % 4
    meta = {"spatial_shape": np.array([3, 4, 5]), "original_affine": AFFINE}
    return MetaTensor(values, affine=torch.from_numpy(affine), meta=meta)


def test_file_has_the_images_shape_and_affine_and_the_labels_values(tmp_path: Path) -> None:
    pred = segmentation((3, 4, 5), AFFINE + 1e-5)
    SaveSegmentationd("pred", str(tmp_path / "out"))({"pred": pred, "case": "p1"})
    (path,) = (file for file in (tmp_path / "out").rglob("*") if file.is_file())
    assert path == tmp_path / "out" / "p1" / "p1_seg.nii.gz"
    written = nib.load(path)
    assert written.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(written.affine, AFFINE.astype(np.float32))
    np.testing.assert_array_equal(np.asarray(written.dataobj), pred[0].numpy())


@pytest.mark.parametrize(("shape", "affine"), [((3, 4, 4), AFFINE), ((3, 4, 5), AFFINE + 0.01)])
def test_another_grid_is_refused(tmp_path: Path, shape: tuple[int, ...], affine: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"the result of p1 has shape .*; put Invertd before SaveSegmentationd"):
        SaveSegmentationd("pred", str(tmp_path))({"pred": segmentation(shape, affine), "case": "p1"})
    assert list(tmp_path.iterdir()) == []


def test_programs_that_take_savers_away_recognise_it(tmp_path: Path) -> None:
    assert isinstance(SaveSegmentationd("pred", str(tmp_path)), SaveImaged)
