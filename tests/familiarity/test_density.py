"""The Gaussian is the one of the literature, and its distances tell what lies outside."""

import pytest
import torch

from iunet_med.familiarity.density import Gaussian, held_out_distances, shrunk_covariance


def test_the_shrinkage_is_ledoit_and_wolf_s() -> None:
    covariance = pytest.importorskip("sklearn.covariance")
    x = torch.randn(15, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64) @ torch.randn(
        6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )
    z = x - x.mean(0)
    expected = covariance.LedoitWolf(assume_centered=True).fit(z.numpy()).covariance_
    torch.testing.assert_close(shrunk_covariance(z), torch.from_numpy(expected))


def test_distances_are_those_of_mahalanobis() -> None:
    x = torch.randn(4000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    spread = torch.tensor([[2.0, 0, 0], [1.5, 0.5, 0], [0, 0, 100.0]], dtype=torch.float64)
    y = x @ spread.T + 7
    gaussian = Gaussian.fit(y)
    # Whatever the linear map, the distance is the length in the space where the features are independent.
    torch.testing.assert_close(gaussian.distances(y), (x.square().mean(1)).sqrt(), rtol=0.1, atol=0.1)


def test_an_image_does_not_vouch_for_itself() -> None:
    x = torch.randn(12, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x[0] += 20
    held_out = held_out_distances(x)
    assert held_out[0] > 5 * held_out[1:].max()
    assert Gaussian.fit(x).distances(x)[0] < held_out[0] / 5


def test_constant_features_are_no_proof() -> None:
    x = torch.randn(20, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x[:, 2] = 1
    assert torch.isfinite(Gaussian.fit(x).distances(x)).all()
