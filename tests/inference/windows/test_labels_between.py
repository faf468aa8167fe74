"""Labels between the network's voxels are those of linearly interpolated probabilities, on any grid."""

import nibabel as nib
import numpy as np
import pytest
import torch
from nibabel.processing import resample_from_to
from scipy import ndimage
from torch import Tensor

from iunet_med.inference.windows.labels_between import MOST_BYTES, labels_between, pays_off
from iunet_med.volumes.nearest import labels_on_grid

COARSE = np.array([[-2.9, 0.3, 0.4, 40.0], [0.4, 2.8, -0.5, -30.0], [0.3, 0.4, 4.1, 11.0], [0, 0, 0, 1]])
FINE = np.array([[0.9, 0.1, 0.2, 3.0], [-0.1, -1.0, 0.1, 3.0], [-0.15, 0.1, 1.3, 14.0], [0, 0, 0, 1]])
SHAPE = (33, 29, 31)


def likeliest(probabilities: Tensor) -> Tensor:
    return probabilities.argmax(0, keepdim=True)


def nested(probabilities: Tensor) -> Tensor:
    """The innermost region that is likely, as of ET, TC and WT."""
    labels = torch.zeros_like(probabilities[:1])
    for value, (one, least) in enumerate(zip(probabilities, (0.2, 0.3, 0.5), strict=True), start=1):
        labels[0][one > least] = value
    return labels


@pytest.mark.parametrize("rule", [likeliest, nested])
def test_they_are_those_of_interpolated_probabilities(rule: object) -> None:
    assert callable(rule)
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.standard_normal((3, 14, 12, 10)), (0, 1.2, 1.2, 1.2)).astype(np.float32)
    probabilities = torch.from_numpy(smooth * 8).softmax(0)
    labels = rule(probabilities)[0].numpy().astype(np.uint8)
    found = labels_between(probabilities, labels, COARSE, shape=SHAPE, to=FINE, rule=rule)

    channels = [
        resample_from_to(nib.Nifti1Image(one.numpy(), COARSE), (SHAPE, FINE), order=1, cval=-1).get_fdata()
        for one in probabilities
    ]
    inside = np.min(channels, 0) >= 0
    expected = rule(torch.from_numpy(np.stack(channels)))[0].numpy()
    assert 0.2 < inside.mean() < 1
    assert len(np.unique(labels)) > 2
    # scipy mixes in float64: where two classes are equal to 1e-6 either may win
    assert (found[inside] != expected[inside]).mean() < 1e-3
    nearest = labels_on_grid(labels, COARSE, shape=SHAPE, to=FINE)
    assert (nearest[inside] != expected[inside]).mean() > 0.03
    beyond = labels_on_grid(np.ones_like(labels), COARSE, shape=SHAPE, to=FINE) == 0
    assert beyond.any()
    assert not found[beyond].any()


def test_a_single_slice_and_the_own_grid_are_left_as_they_are() -> None:
    probabilities = torch.rand(3, 6, 5, 1)
    labels = likeliest(probabilities)[0].numpy().astype(np.uint8)
    found = labels_between(probabilities, labels, COARSE, shape=(6, 5, 1), to=COARSE, rule=likeliest)
    np.testing.assert_array_equal(found, labels)


def test_it_pays_off_on_finer_grids_that_memory_allows() -> None:
    assert pays_off(COARSE, FINE, voxels=10**6, channels=15)
    assert not pays_off(FINE, COARSE, voxels=10**6, channels=15)
    assert not pays_off(COARSE, COARSE, voxels=10**6, channels=15)
    assert not pays_off(COARSE, FINE, voxels=MOST_BYTES, channels=1)
