"""Of an organ that is one body the largest part stays, whatever the axes' order in memory is; others stay whole."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import KeepLargestConnectedComponentd
from numpy.typing import NDArray
from scipy import ndimage

from iunet_med.transforms import KeepLargestPartd


@pytest.fixture
def label() -> NDArray[np.uint8]:
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.standard_normal((3, 24, 20, 28)), (0, 1.5, 1.5, 1.5))
    return (smooth.argmax(0) * (smooth.max(0) > 0.1)).astype(np.uint8)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_it_agrees_with_monai(label: NDArray[np.uint8], axes: tuple[int, ...]) -> None:
    item = {"pred": torch.from_numpy(np.ascontiguousarray(label.transpose(axes)).transpose(np.argsort(axes)))[None]}
    expected = KeepLargestConnectedComponentd("pred", applied_labels=[1], is_onehot=False)(
        {"pred": item["pred"].clone()}
    )["pred"]
    found = KeepLargestPartd("pred", [1])(item)["pred"]
    assert ndimage.label(label == 1, np.ones((3, 3, 3)))[1] > 1
    assert ndimage.label(found[0] == 1, np.ones((3, 3, 3)))[1] == 1
    torch.testing.assert_close(found, expected)


def test_type_affine_and_input_are_kept(label: NDArray[np.uint8]) -> None:
    affine = torch.diag(torch.tensor([2.0, 1.0, 3.0, 1.0], dtype=torch.float64))
    given = MetaTensor(torch.from_numpy(label)[None], affine=affine)
    found = KeepLargestPartd("pred", [1, 2, 200])({"pred": given})["pred"]
    assert found.dtype == torch.uint8
    torch.testing.assert_close(found.affine, affine)
    np.testing.assert_array_equal(given[0].numpy(), label)
    assert 0 < int((found > 0).sum()) < int((label > 0).sum())


def test_an_empty_map_stays_empty() -> None:
    empty = torch.zeros(1, 4, 4, 4, dtype=torch.uint8)
    assert not KeepLargestPartd("pred", [1])({"pred": empty})["pred"].any()
