import numpy as np

from iunet_med.datasets.simulation.torso.scan import scan


def test_noise_has_no_mean_and_grows_with_what_the_rays_pass() -> None:
    hu = np.full((60, 40, 24), -1000, np.float32)
    hu[:, :, 12:] = 0.0  # water, 360 mm wide, in the upper slices alone
    images = [scan(hu, 6.0, None, np.random.default_rng(seed)) for seed in range(3)]
    noise = [image - hu for image in images]
    assert all(abs(one[:, :, 16:].mean()) < 1.5 for one in noise)
    assert all(one[:, :, 16:].std() > 1.3 * one[:, :, :8].std() for one in noise)


def test_metal_leaves_streaks_in_its_slices_alone() -> None:
    hu, metal = np.zeros((40, 40, 6), np.float32), np.zeros((40, 40, 6), np.float32)
    metal[18:22, 18:22, 3] = 1
    plain, streaked = (scan(hu, 3.0, one, np.random.default_rng(0)) for one in (None, metal))
    difference = np.abs(streaked - plain).max((0, 1))
    assert difference[3] > 100
    np.testing.assert_allclose(difference[[0, 1, 2, 4, 5]], 0)
