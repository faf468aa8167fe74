"""Filtered backprojection beside scikit-image's, and of a ball whose projections have a formula."""

import numpy as np
import pytest
import torch

from iunet_med.tomography import Geometry, filtered_backprojection, project
from iunet_med.tomography.filtered import Window

transform = pytest.importorskip("skimage.transform", reason="scikit-image is the judge here")


@pytest.mark.parametrize(("window", "theirs"), [("ram-lak", "ramp"), ("hann", "hann")])
def test_as_scikit_image_does(window: Window, theirs: str) -> None:
    size, count = 48, 60
    rng = np.random.default_rng(0)
    place = np.arange(size) - (size - 1) / 2
    x, y = np.meshgrid(place, place, indexing="ij")
    image = sum(rng.uniform(0.5, 1) * (np.hypot(x - a, y - b) < r) for a, b, r in ((3, -4, 9), (-8, 5, 5), (6, 9, 4)))
    geometry = Geometry.upright(count)
    sinogram = project(torch.tensor(image)[None, None, :, :, None], geometry)
    ours = filtered_backprojection(sinogram, geometry.angles, window=window)[0, 0, :, :, 0].numpy()
    degrees = np.degrees(geometry.angles.numpy())
    theirs_image = transform.iradon(sinogram[0, :, :, 0].numpy().T, theta=degrees, filter_name=theirs, circle=True)
    # Its columns run from N // 2 on, half a pixel beside the middle, and its axes are turned; so by figures of merit.
    error = [np.sqrt(np.mean((found - image) ** 2)) for found in (ours, _turned(theirs_image, image))]
    assert error[0] < error[1] * 1.1
    assert error[0] < 0.15


def _turned(found: np.ndarray, image: np.ndarray) -> np.ndarray:
    """The one of the eight ways to lie that fits best."""
    ways = [np.rot90(part, k) for part in (found, found.T) for k in range(4)]
    return min(ways, key=lambda way: float(np.mean((way - image) ** 2)))


def test_a_ball_comes_back() -> None:
    size, radius = 40, 12.0
    place = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    u, v = torch.meshgrid(place, place, indexing="ij")
    chord = 2 * (radius**2 - u * u - v * v).clamp_min(0).sqrt()
    geometry = Geometry.upright(90)
    found = filtered_backprojection(chord.expand(1, 90, size, size), geometry.angles)[0, 0]
    x, y, z = torch.meshgrid(place, place, place, indexing="ij")
    distance = (x * x + y * y + z * z).sqrt()
    assert (found[distance < radius - 3] - 1).abs().mean() < 0.02
    assert found[(distance > radius + 3) & ((x * x + y * y).sqrt() < size / 2 - 1)].abs().mean() < 0.02


def test_bad_input_is_told() -> None:
    with pytest.raises(ValueError, match=r"expected shape \(B, 3, N, Z\)"):
        filtered_backprojection(torch.zeros(1, 4, 8, 8), torch.zeros(3))
    with pytest.raises(ValueError, match="window='cosine': expected ram-lak or hann"):
        filtered_backprojection(torch.zeros(1, 3, 8, 8), torch.zeros(3), window="cosine")  # type: ignore[arg-type]
