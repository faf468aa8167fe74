"""Texts beside an image do not stop its resampling, and stay."""

import numpy as np
import torch
from monai.data import MetaTensor

from iunet_med.transforms import PlainSpacingd


def test_texts_called_like_the_image_stay_as_they_are() -> None:
    image = MetaTensor(torch.rand(1, 4, 4, 4), affine=torch.eye(4), meta={"filename_or_obj": "a.nii.gz"})
    done = PlainSpacingd("image", (2.0, 2.0, 2.0))({"image": image, "image_path": "a.nii.gz", "image_meta_dict": {}})
    assert done["image_path"] == "a.nii.gz"
    np.testing.assert_allclose(np.diag(done["image"].affine), [2, 2, 2, 1])
    assert done["image_meta_dict"]["filename_or_obj"] == "a.nii.gz"
