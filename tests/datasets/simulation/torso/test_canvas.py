from collections.abc import Callable

import numpy as np

from iunet_med.datasets.simulation.torso.canvas import Canvas
from iunet_med.datasets.simulation.torso.shapes import ellipsoid, turn


def test_a_shape_covers_voxels_by_the_part_that_lies_inside(blank: Callable[..., Canvas]) -> None:
    canvas = blank(32, spacing_mm=2.0)
    level = ellipsoid(canvas.place, (0.4, -0.7, 0.2), (20, 20, 20))
    canvas.paint(canvas.whole, level, 0.0, 7)
    covered = (canvas.hu + 1000).sum() / 1000 * 2.0**3
    np.testing.assert_allclose(covered, 4 / 3 * np.pi * 20**3, rtol=0.01)
    np.testing.assert_array_equal(canvas.label == 7, level < 0)


def test_a_box_holds_all_voxels_of_its_millimetres_on_turned_axes(blank: Callable[..., Canvas]) -> None:
    canvas = blank(40, spacing_mm=1.5, turned=turn(25, -15, 40))
    low, high = np.array([-8.0, -3, 2]), np.array([9.0, 12, 15])
    inside = ((canvas.place >= low.reshape(3, 1, 1, 1)) & (canvas.place <= high.reshape(3, 1, 1, 1))).all(0)
    boxed = np.zeros_like(inside)
    boxed[canvas.box(low, high)] = True
    assert inside.any()
    assert boxed[inside].all()
    assert boxed.sum() < boxed.size / 2
