import numpy as np

from iunet_med.datasets.simulation.growth import arrival


def test_front_in_an_even_medium_arrives_after_the_distance() -> None:
    x, y, z = np.ogrid[-15:16, -15:16, -15:16]
    distance = 2.0 * np.sqrt(x**2 + y**2 + z**2)
    source = distance <= 6
    time = arrival(source, np.full(source.shape, 3, np.float32), spacing_mm=2.0, enough=source.size)
    assert time[source].max() == 0
    np.testing.assert_allclose(time[~source], 3 * (distance[~source] - 6), rtol=0.1, atol=3 * 2.0)


def test_front_goes_round_a_slow_wall() -> None:
    slowness = np.ones((30, 30, 1), np.float32)
    slowness[15, :25] = 1000
    source = np.zeros(slowness.shape, bool)
    source[5, 5] = True
    time = arrival(source, slowness, spacing_mm=1.0, enough=source.size)
    around = np.hypot(10, 20) + np.hypot(10, 20)
    assert abs(time[25, 5, 0] / around - 1) < 0.15
