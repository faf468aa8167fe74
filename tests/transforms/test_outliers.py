"""Outliers are limited, and an image without any stays as it is."""

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import NormalizeIntensity
from torch import Tensor

from iunet_med.transforms import LimitOutliersd


def image() -> Tensor:
    data = torch.zeros(2, 16, 16, 16)
    data[:, 2:14, 2:14, 2:14] = 100 + 900 * torch.rand(2, 12, 12, 12, generator=torch.Generator().manual_seed(0))
    return data


def test_a_clean_image_stays_the_same() -> None:
    clean = MetaTensor(image(), affine=2 * torch.eye(4))
    limited = LimitOutliersd("image")({"image": clean})["image"]
    assert torch.equal(limited, clean)
    assert torch.equal(limited.affine, clean.affine)


@pytest.mark.parametrize("value", [1e6, 1e9, 1e30, -1e6, -1e30])
def test_hot_voxels_do_not_move_the_normalised_image(value: float) -> None:
    hot = image()
    hot[1, 5, 5, 5:8] = value
    came = hot.clone()
    limited = LimitOutliersd("image")({"image": hot})["image"]
    assert torch.equal(hot, came)
    assert 100 <= limited[1, 5, 5, 5] <= 1000
    scale = NormalizeIntensity(nonzero=True, channel_wise=True)
    difference = (scale(limited) - scale(image())).abs()
    difference[1, 5, 5, 5:8] = 0
    assert difference.max() < 0.02
