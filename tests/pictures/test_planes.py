"""Each outline lies where its label is, in its colour, in radiological orientation and on one scale in mm."""

from io import BytesIO
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from nibabel.orientations import axcodes2ornt, ornt_transform
from PIL import Image

from iunet_med.pictures.colours import COLOURS, label_colours
from iunet_med.pictures.planes import lesion_planes

SHAPE = (40, 48, 30)
SPACING = (1.0, 1.5, 3.0)
RAS = np.diag([*SPACING, 1])
NAMES = ("core", "rim")
REGIONS = {"core": (1,), "rim": (2,)}
BOX = ((26, 36), (30, 42), (4, 12))  # to the patient's right, front and bottom


def volumes() -> tuple[np.ndarray, np.ndarray]:
    """A bright block and two boxes in it; the smaller one is apart, and bears no plane."""
    label = np.zeros(SHAPE, np.uint8)
    label[tuple(slice(*bounds) for bounds in BOX)] = 2
    label[4:6, 4:6, 20:22] = 1
    return np.full(SHAPE, 50, np.float32), label


def draw(axes: str = "RAS", label: np.ndarray | None = None) -> np.ndarray:
    """The picture's pixels, RGB in 0..1."""
    image, boxes = volumes()
    turn = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(axes))
    image, label = (nib.apply_orientation(volume, turn) for volume in (image, boxes if label is None else label))
    affine = RAS @ nib.orientations.inv_ornt_aff(turn, SHAPE)
    return pixels({"ct": image}, label, affine, outlined={"ct": REGIONS}, window=(0, 100))


def pixels(images: dict[str, np.ndarray], label: np.ndarray, affine: np.ndarray, **options: Any) -> np.ndarray:
    drawn = lesion_planes(images, label, affine, colours=label_colours(NAMES), **options)
    return np.asarray(Image.open(BytesIO(drawn)).convert("RGB")) / 255


def panels(picture: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Left, right, top, bottom of the three grey blocks."""
    grey = (np.ptp(picture, axis=2) < 0.02) & (np.abs(picture[..., 0] - 0.5) < 0.02)
    columns = np.flatnonzero(np.diff((grey.sum(axis=0) > 20).astype(int), prepend=0, append=0))
    found = []
    for left, right in columns.reshape(-1, 2):
        rows = np.flatnonzero(grey[:, left:right].sum(axis=1) > 0.3 * (right - left))
        found.append((int(left), int(right), int(rows[0]), int(rows[-1]) + 1))
    return found


def painted(pixels: np.ndarray, colour: str) -> np.ndarray:
    return np.abs(pixels - to_rgb(colour)).max(axis=-1) < 0.15


@pytest.mark.parametrize("axes", ["RAS", "LPS", "SLP"])
def test_outlines_lie_where_the_labels_are(axes: str) -> None:
    picture = draw(axes)
    (x0, x1), (y0, y1), (z0, z1) = BOX
    x, y, z = SHAPE
    # Left, right, top, bottom in voxels: the patient's right at the left, the front at the left or top, the head up.
    expected = [(x - x1, x - x0, y - y1, y - y0), (x - x1, x - x0, z - z1, z - z0), (y - y1, y - y0, z - z1, z - z0)]
    sizes = [(SPACING[0], SPACING[1]), (SPACING[0], SPACING[2]), (SPACING[1], SPACING[2])]
    shapes = [(x, y), (x, z), (y, z)]
    found = panels(picture)
    assert len(found) == 3
    for (left, right, top, bottom), box, size, shape in zip(found, expected, sizes, shapes, strict=True):
        scale = (right - left) / (shape[0] * size[0])  # pixels per mm
        np.testing.assert_allclose(bottom - top, shape[1] * size[1] * scale, atol=2)
        rows, columns = np.nonzero(painted(picture[top:bottom, left:right], COLOURS[1]))
        drawn = [columns.min(), columns.max() + 1, rows.min(), rows.max() + 1]
        millimetres = np.array(box) * [size[0], size[0], size[1], size[1]]
        np.testing.assert_allclose(np.array(drawn) / scale, millimetres, atol=0.35 * max(size))


def test_panels_share_one_scale() -> None:
    axial, coronal, sagittal = panels(draw())
    np.testing.assert_allclose(axial[1] - axial[0], coronal[1] - coronal[0], atol=2)
    np.testing.assert_allclose((sagittal[1] - sagittal[0]) / (axial[3] - axial[2]), 1, atol=0.02)


def test_nothing_labelled_shows_the_image_alone() -> None:
    picture = draw(label=np.zeros(SHAPE, np.uint8))
    assert len(panels(picture)) == 3
    assert not any(painted(picture, colour).any() for colour in COLOURS[:2])


def test_background_that_is_not_the_darkest_voxel_is_black() -> None:
    image, label = volumes()
    image[:, :24] = 0
    image[0, 0, 0] = image[20, 2, :5] = -30
    ours, all_of_it = (
        pixels({"ct": image}, label, RAS, outlined={"ct": REGIONS}, window=window).mean(axis=-1)
        for window in (None, (-30, 50))
    )
    background = 30 / 80
    assert (np.abs(all_of_it - background) < 0.01).mean() > 0.1
    assert (np.abs(ours - background) < 0.01).mean() < 0.01


def test_each_region_is_outlined_on_its_own_modality_at_one_place() -> None:
    label = volumes()[1]
    (x0, x1), (y0, y1), (z0, z1) = BOX
    label[x0 + 2 : x1 - 2, y0 + 3 : y1 - 3, z0 + 2 : z1 - 2] = 1
    flair, t1c = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.float32)
    flair[2:-2, 2:-2, 1:-1] = 100
    t1c[8:-8, 8:-8, 6:-6] = 100  # a smaller field: the crop is that of both
    outlined = {"flair": {"rim": (1, 2)}, "t1c": {"core": (1,)}}
    picture = pixels({"flair": flair, "t1c": t1c}, label, RAS, outlined=outlined, window=(0, 200))
    legend = 45
    upper, lower = np.array_split(picture[:-legend], 2)
    assert painted(upper, COLOURS[1]).sum() > 100
    assert painted(lower, COLOURS[0]).sum() > 100
    assert not painted(upper, COLOURS[0]).any()
    assert not painted(lower, COLOURS[1]).any()
    middles = [
        np.ptp(np.flatnonzero(painted(half, colour)[:, :230].any(axis=0))) / 2
        + np.flatnonzero(painted(half, colour)[:, :230].any(axis=0))[0]  # in the axial plane
        for half, colour in ((upper, COLOURS[1]), (lower, COLOURS[0]))
    ]
    np.testing.assert_allclose(*middles, atol=3)


def test_the_planes_go_through_a_small_core_at_the_end_of_a_large_region() -> None:
    label = volumes()[1]
    label[34:36, 40:42, 10:12] = 1  # within the box, whose sections are all alike
    picture = pixels({"ct": volumes()[0]}, label, RAS, outlined={"ct": {"core": (1,), "rim": (1, 2)}}, window=(0, 100))
    for left, right, top, bottom in panels(picture):
        assert painted(picture[top:bottom, left:right], COLOURS[0]).any()


def test_a_region_covers_those_within_it() -> None:
    label = volumes()[1]
    label[28:34, 33:39, 6:10] = 1
    regions = {"core": (1,), "rim": (1, 2)}
    nested = pixels({"ct": volumes()[0]}, label, RAS, outlined={"ct": regions}, window=(0, 100))
    whole = pixels({"ct": volumes()[0]}, (label > 0) * 2, RAS, outlined={"ct": {"rim": (2,)}}, window=(0, 100))
    places = [np.argwhere(painted(p[:-45], COLOURS[1])) for p in (nested, whole)]
    np.testing.assert_allclose(places[0].min(axis=0), places[1].min(axis=0), atol=2)
    np.testing.assert_allclose(places[0].max(axis=0), places[1].max(axis=0), atol=2)
    assert painted(nested, COLOURS[0]).any()


def test_another_grid_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 3, 4\) and the label map \(2, 3, 5\); expected one grid"):
        lesion_planes({"ct": np.zeros((2, 3, 4))}, np.zeros((2, 3, 5), int), RAS, outlined={"ct": {}}, colours={})
