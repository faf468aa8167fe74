"""Pictures are radiological, lengths on them are millimetres, and outlines are closed at the border."""

import numpy as np
from matplotlib.figure import Figure

from iunet_med.pictures.slices import draw_outline, mark_sides, radiological, show_slice

PIXEL_MM = (2.0, 0.5)


def test_the_right_is_at_the_left_and_the_front_at_the_top() -> None:
    plane = np.zeros((3, 4))  # to the right, to the front
    plane[2, 3] = 1
    assert radiological(plane).shape == (4, 3)
    assert radiological(plane)[0, 0] == 1


def test_outlines_lie_on_their_pixels_in_mm() -> None:
    axes = Figure().subplots()
    mask = np.zeros((6, 8), bool)
    mask[1:3, 4:8] = True  # up to the border
    show_slice(axes, mask.astype(float), pixel_mm=PIXEL_MM, window=(0, 1))
    draw_outline(axes, mask, pixel_mm=PIXEL_MM, color="red", linewidth=1)
    (line,) = axes.collections[0].get_paths()
    (left, top), (right, bottom) = line.vertices.min(axis=0), line.vertices.max(axis=0)
    np.testing.assert_allclose([left, right], [4 * 0.5, 8 * 0.5], atol=0.5 * 0.3001)
    np.testing.assert_allclose([top, bottom], [1 * 2.0, 3 * 2.0], atol=2.0 * 0.3001)
    np.testing.assert_array_equal(line.vertices[0], line.vertices[-1])
    assert axes.get_xlim() == (0, 8 * 0.5)
    assert axes.get_ylim() == (6 * 2.0, 0)


def test_an_empty_mask_draws_nothing() -> None:
    axes = Figure().subplots()
    draw_outline(axes, np.zeros((3, 3), bool), pixel_mm=PIXEL_MM, color="red", linewidth=1)
    assert not axes.collections


def test_sides_are_marked_at_the_upper_corners() -> None:
    axes = Figure().subplots()
    mark_sides(axes, "A", "P")
    assert [(text.get_text(), text.get_position()[0] < 0.5) for text in axes.texts] == [("A", True), ("P", False)]
