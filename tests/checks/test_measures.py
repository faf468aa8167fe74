"""Volumes are exact under oblique voxels, boxes hold their label, corners connect."""

import nibabel as nib
import numpy as np
import pytest

from iunet_med.checks.measures import RegionMeasure, measure_labels

SPACING = (0.7, 1.3, 5.0)
OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = nib.eulerangles.euler2mat(0.4, -0.3, 0.5) @ np.diag(SPACING) @ np.diag([-1, 1, 1])
OBLIQUE[:3, 3] = [12.5, -70, 33]
NAMES = {2: "large", 7: "absent", 3: "small"}


def two_boxes() -> np.ndarray:
    label = np.zeros((20, 18, 12), np.uint8)
    label[3:13, 2:10, 1:6] = 2  # 400 voxels
    label[13:15, 10:12, 6:7] = 2  # 4 voxels that touch the box by a corner
    label[17:19, 15:17, 8:11] = 2  # 12 voxels apart
    label[0:2, 0:3, 11:12] = 3  # 6 voxels
    return label


@pytest.mark.parametrize("order", ["C", "F"])
def test_two_boxes_under_an_oblique_affine(order: str) -> None:
    voxel_ml = np.prod(SPACING) / 1000
    measures = measure_labels(np.asarray(two_boxes(), order=order), OBLIQUE, names=NAMES)
    assert [(m.name, m.value, m.bounding_box, m.components) for m in measures] == [
        ("large", 2, (3, 19, 2, 17, 1, 11), 2),
        ("absent", 7, (), 0),
        ("small", 3, (0, 2, 0, 3, 11, 12), 1),
    ]
    np.testing.assert_allclose([m.volume_ml for m in measures], np.array([416, 0, 6]) * voxel_ml, rtol=1e-12)
    np.testing.assert_allclose([m.largest_ml for m in measures], np.array([404, 0, 6]) * voxel_ml, rtol=1e-12)


def test_measures_follow_flips_and_permutations() -> None:
    label = two_boxes()
    turned = label.transpose(2, 0, 1)[::-1]
    for here, there in zip(*(measure_labels(x, OBLIQUE, names=NAMES) for x in (label, turned)), strict=True):
        assert here.components == there.components
        np.testing.assert_allclose([here.volume_ml, here.largest_ml], [there.volume_ml, there.largest_ml])
        if here.bounding_box:
            i0, i1, j0, j1, k0, k1 = here.bounding_box
            assert there.bounding_box == (12 - k1, 12 - k0, i0, i1, j0, j1)


def test_values_inside_and_the_edge() -> None:
    label = two_boxes()
    image = np.where(label == 3, np.arange(label.size).reshape(label.shape), -1000).astype(np.float32)
    image[3:13, 2:10, 1:6] = 40
    large, absent, small = measure_labels(label, OBLIQUE, names=NAMES, image=image)
    inside = image[label == 2]
    assert (large.mean, large.median, large.deviation) == pytest.approx((inside.mean(), 40, inside.std()), rel=1e-6)
    assert (small.mean, small.median) == pytest.approx((image[label == 3].mean(), np.median(image[label == 3])))
    assert (absent.mean, absent.median, absent.deviation) == (None, None, None)
    assert [one.touches_edge for one in (large, absent, small)] == [False, False, True]
    label[19, 0, 0] = 2
    assert measure_labels(label, OBLIQUE, names=NAMES)[0].touches_edge


def test_empty_label_map() -> None:
    assert measure_labels(np.zeros((2, 3, 4), np.int32), np.eye(4), names={1: "x"}) == [
        RegionMeasure("x", 1, 0.0, (), 0, 0.0, False, None, None, None)
    ]


def test_value_without_a_name_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"has the values \[3\], which the names \{2: 'large'\} lack"):
        measure_labels(two_boxes(), OBLIQUE, names={2: "large"})


@pytest.mark.parametrize("label", [np.zeros((2, 3, 4)), np.zeros((1, 2, 3, 4), np.uint8)])
def test_other_arrays_are_errors(label: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected three axes \(X, Y, Z\) of integers"):
        measure_labels(label, np.eye(4), names={})
