"""Test-time flips are the mean over mirrored inputs, and leave a network that commutes with mirrors alone."""

import pytest
import torch
from monai.inferers import SimpleInferer, SlidingWindowInferer

from iunet_med.inference import FlipInferer

WINDOWS = SlidingWindowInferer(roi_size=(4, 4, 4), overlap=0.5, mode="gaussian")


@pytest.fixture
def image() -> torch.Tensor:
    return torch.randn(1, 2, 7, 6, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_equivariant_network_gives_the_plain_result(image: torch.Tensor) -> None:
    plain = WINDOWS(image, torch.tanh)
    torch.testing.assert_close(FlipInferer(WINDOWS)(image, torch.tanh), plain, rtol=1e-5, atol=1e-5)


def test_random_network_gives_the_mean_of_eight_flips(image: torch.Tensor) -> None:
    network = torch.nn.Conv3d(2, 3, 3, padding=1, dtype=torch.float64)
    expected = torch.zeros(1, 3, 7, 6, 9, dtype=torch.float64)
    with torch.no_grad():
        for number in range(8):
            dims = [axis + 2 for axis in range(3) if number >> axis & 1]
            expected += network(image.flip(dims)).flip(dims) / 8
        result = FlipInferer(SimpleInferer())(image, network)
        torch.testing.assert_close(result, expected)
        assert not torch.allclose(result, network(image))
        torch.testing.assert_close(FlipInferer(SimpleInferer(), axes=())(image, network), network(image))


def test_bad_axes_are_refused() -> None:
    for axes in ((0, 0), (-1,)):
        with pytest.raises(ValueError, match="expected spatial axes from 0 on, each once"):
            FlipInferer(WINDOWS, axes=axes)
