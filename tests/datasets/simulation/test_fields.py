import numpy as np

from iunet_med.datasets.simulation.fields import CORNER_MM, FOV_MM, Grid, smooth_field, soft_inside


def test_every_grid_covers_the_field_of_view_centred_on_it() -> None:
    for spacing in (1.0, 2.0, 4.0):
        grid = Grid(spacing)
        first, last = (grid.affine @ [*index, 1] for index in ((-0.5, -0.5, -0.5), np.array(grid.shape) - 0.5))
        np.testing.assert_allclose(first[:3], CORNER_MM)
        np.testing.assert_allclose(last[:3], np.add(CORNER_MM, FOV_MM))
        np.testing.assert_allclose([a.flat[3] for a in grid.axes()], (grid.affine @ [3, 3, 3, 1])[:3])


def test_every_point_of_the_field_of_view_has_a_voxel() -> None:
    for spacing in (1.0, 1.5, 3.0):  # the last two do not divide the field of view
        grid = Grid(spacing)
        far = np.add(CORNER_MM, FOV_MM) - 1e-6
        assert grid.index(np.array(CORNER_MM)) == (0, 0, 0)
        assert grid.index(far) == tuple(n - 1 for n in grid.shape)


def test_field_is_the_same_at_every_voxel_size() -> None:
    fine, coarse = (smooth_field(np.random.default_rng(0), Grid(s), length_mm=40) for s in (2.0, 4.0))
    middle = fine.reshape(44, 2, 54, 2, 46, 2).mean(axis=(1, 3, 5))
    np.testing.assert_allclose(middle, coarse, atol=0.01)


def test_field_has_unit_variance() -> None:
    field = smooth_field(np.random.default_rng(0), Grid(4.0), length_mm=8)
    assert abs(field.mean()) < 0.05
    assert abs(field.std() - 1) < 0.05


def test_soft_inside_of_a_ball_has_the_volume_of_the_ball() -> None:
    x, y, z = np.ogrid[-12:13, -12:13, -12:13]
    level = np.sqrt(x**2 + y**2 + z**2 + 1e-3).astype(np.float32) - np.float32(8.3)
    np.testing.assert_allclose(soft_inside(level).sum(), 4 / 3 * np.pi * 8.3**3, rtol=0.02)
