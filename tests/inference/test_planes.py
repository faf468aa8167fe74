"""Each outline lies where its label is, in its colour, in radiological orientation and on one scale in mm."""

from io import BytesIO

import nibabel as nib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from nibabel.orientations import axcodes2ornt, ornt_transform
from PIL import Image

from iunet_med.inference.planes import COLOURS, label_colours, lesion_planes

SHAPE = (40, 48, 30)
SPACING = (1.0, 1.5, 3.0)
RAS = np.diag([*SPACING, 1])
NAMES = {1: "core", 2: "rim"}
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
    drawn = lesion_planes(image, label, affine, names=NAMES, colours=label_colours(NAMES), window=(0, 100))
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
        np.asarray(
            Image.open(
                BytesIO(lesion_planes(image, label, RAS, names=NAMES, colours=label_colours(NAMES), window=window))
            ).convert("L")
        )
        for window in (None, (-30, 50))
    )
    background = 255 * 30 // 80
    assert (np.abs(all_of_it.astype(int) - background) < 3).mean() > 0.1
    assert (np.abs(ours.astype(int) - background) < 3).mean() < 0.01


def test_colours_repeat() -> None:
    colours = label_colours(range(1, len(COLOURS) + 2))
    assert colours[1] == colours[len(COLOURS) + 1] == COLOURS[0]
    assert len(set(colours.values())) == len(COLOURS)


def test_another_grid_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 3, 4\) and the label map \(2, 3, 5\); needed: one grid"):
        lesion_planes(np.zeros((2, 3, 4)), np.zeros((2, 3, 5), int), RAS, names={}, colours={})
