"""A label map comes to another grid by its affines: exactly for turned axes, to the nearest voxel otherwise."""

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, ornt_transform

from iunet_med.volumes.nearest import labels_on_grid

OBLIQUE = nib.affines.from_matvec(nib.eulerangles.euler2mat(0.3, -0.2, 0.25) @ np.diag([1, 1.5, 2]), [3, -40, 7])


@pytest.mark.parametrize("axes", ["RAS", "LPS", "SLP", "PIR"])
def test_turned_axes_are_exact(axes: str) -> None:
    labels = np.random.default_rng(0).integers(0, 9, (7, 5, 6), dtype=np.uint8)
    turn = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(axes))
    turned = nib.orientations.apply_orientation(labels, turn)
    affine = OBLIQUE @ inv_ornt_aff(turn, labels.shape)
    np.testing.assert_array_equal(labels_on_grid(turned, affine, shape=labels.shape, to=OBLIQUE), labels)


def test_a_crop_is_zero_outside() -> None:
    labels = np.ones((4, 4, 4), np.uint8)
    crop = OBLIQUE @ nib.affines.from_matvec(np.eye(3), [2, 1, 3])
    back = labels_on_grid(labels, crop, shape=(8, 8, 8), to=OBLIQUE)
    expected = np.zeros((8, 8, 8), np.uint8)
    expected[2:6, 1:5, 3:7] = 1
    np.testing.assert_array_equal(back, expected)


def test_finer_voxels_take_the_nearest_label() -> None:
    labels = np.random.default_rng(0).integers(0, 9, (4, 3, 5), dtype=np.uint8)
    fine = nib.affines.from_matvec(np.diag([0.5, 0.5, 0.5]), [-0.25] * 3)  # each voxel is cut into eight
    back = labels_on_grid(labels, np.eye(4), shape=(8, 6, 10), to=fine)
    np.testing.assert_array_equal(back, labels.repeat(2, 0).repeat(2, 1).repeat(2, 2))


@pytest.mark.parametrize(("place", "label"), [(-0.5, 1), (-0.52, 0), (2.5, 1), (2.52, 0)])
def test_a_label_reaches_half_a_voxel_and_no_further(place: float, label: int) -> None:
    one = nib.affines.from_matvec(np.eye(3), [place, 0, 0])
    assert labels_on_grid(np.ones((3, 1, 1), np.uint8), np.eye(4), shape=(1, 1, 1), to=one).item() == label
