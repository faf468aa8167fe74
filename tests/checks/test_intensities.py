"""Statistics are those of the whole volume, in little memory."""

import tracemalloc

import numpy as np
import pytest

from iunet_med.checks.intensities import Statistics, volume_statistics


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32])
def test_known_volume(order: str, dtype: type) -> None:
    volume = np.full((4, 5, 6), 3, dtype=dtype, order=order)
    volume[1, 2, 3], volume[3, 4, :] = 0, 9
    assert volume_statistics(volume) == Statistics(120, 0, 0, 9, 1, 6, 1, 8)


def test_values_that_are_not_finite_are_counted_and_left_out() -> None:
    volume = np.zeros((3, 3, 3), np.float32)
    volume[0, 0, 0], volume[1, 1, 1], volume[2, 0, 0] = np.nan, np.inf, 5
    assert volume_statistics(volume) == Statistics(27, 2, 0, 5, 24, 1, 24, 2)
    assert volume_statistics(np.full((2, 2, 2), np.nan)).not_finite == 8


def test_no_copy_of_the_volume() -> None:
    volume = np.asfortranarray(np.random.default_rng(0).normal(size=(64, 64, 128)).astype(np.float32))
    volume[3, 4, 5] = np.nan
    tracemalloc.start()
    volume_statistics(volume)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < volume.nbytes / 20
