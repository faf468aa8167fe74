from collections.abc import Callable

import numpy as np

from iunet_med.datasets.simulation.torso.canvas import Canvas
from iunet_med.datasets.simulation.torso.shapes import common, curve, ellipsoid, tube, turn, union


def test_the_level_of_an_ellipsoid_is_zero_on_its_surface_and_its_volume_is_known(blank: Callable[..., Canvas]) -> None:
    canvas, half, rotation = blank(), (14.0, 9.0, 6.0), turn(20, 30, -40)
    level = ellipsoid(canvas.place, (0, 0, 0), half, rotation)
    np.testing.assert_allclose((level < 0).sum(), 4 / 3 * np.pi * np.prod(half), rtol=0.01)
    tip = (rotation @ np.diag(half)).T.reshape(3, 3, 1, 1)  # the ends of its axes
    np.testing.assert_allclose(ellipsoid(np.moveaxis(tip, 0, 1), (0, 0, 0), half, rotation), 0, atol=1e-4)


def test_turn_is_a_rotation() -> None:
    rotation = turn(10, -50, 120)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(rotation), 1)
    np.testing.assert_allclose(turn(z=90) @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_union_and_common_are_those_of_sets_away_from_the_seam() -> None:
    first, second = (np.random.default_rng(seed).normal(0, 20, 1000).astype(np.float32) for seed in (0, 1))
    far = np.abs(first - second) > 8
    np.testing.assert_allclose(union(first, second, 8)[far], np.minimum(first, second)[far], atol=1e-4)
    np.testing.assert_allclose(common(first, second)[far], np.maximum(first, second)[far], atol=1e-4)
    assert (union(first, second, 8) <= np.minimum(first, second) + 1e-5).all()


def test_a_curve_passes_through_its_ends_in_even_steps() -> None:
    line = curve([(0, 0, 0, 5), (30, 0, 0, 7), (30, 40, 0, 9)], step_mm=5)
    np.testing.assert_allclose(line[[0, -1]], [(0, 0, 0, 5), (30, 40, 0, 9)], atol=1e-9)
    assert len(line) == 15


def test_a_tube_has_the_volume_of_a_cylinder_with_round_ends(blank: Callable[..., Canvas]) -> None:
    canvas, radius = blank(turned=turn(20, 10, 30)), 6.0
    path = np.array([[-10.0, 0, 0], [0, 0, 0], [10, 0, 0]])
    box, level, along = tube(canvas, path, radius)
    expected = np.pi * radius**2 * 20 + 4 / 3 * np.pi * radius**3
    np.testing.assert_allclose((level < 0).sum(), expected, rtol=0.02)
    inside = level < 0
    np.testing.assert_allclose(along[inside], np.clip(canvas.at(box)[0][inside] / 10 + 1, 0, 2), atol=1e-4)


def test_a_tube_outside_the_canvas_is_empty(blank: Callable[..., Canvas]) -> None:
    _, level, _ = tube(blank(16), np.array([[500.0, 0, 0], [510, 0, 0]]), 5.0)
    assert not level.size
