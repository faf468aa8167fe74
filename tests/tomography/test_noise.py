"""Photon noise has Poisson's mean and spread, and a dark ray stays finite."""

import math

import pytest
import torch

from iunet_med.tomography import photon_noise


def test_mean_and_spread_are_poisson_s() -> None:
    integral, photons = 1.2, 1e4
    noisy = photon_noise(torch.full((200_000,), integral), photons, generator=torch.Generator().manual_seed(0))
    arrived = photons * math.exp(-integral)
    assert float(noisy.mean()) == pytest.approx(integral, abs=3 / math.sqrt(arrived * 200_000) + 0.5 / arrived)
    assert float(noisy.std()) == pytest.approx(1 / math.sqrt(arrived), rel=0.02)


def test_dark_rays_are_finite_and_bad_input_is_told() -> None:
    assert float(photon_noise(torch.tensor([1000.0]), 100.0)) == pytest.approx(math.log(100))
    with pytest.raises(ValueError, match="photons=0: expected one or more per ray"):
        photon_noise(torch.zeros(1), 0)
    with pytest.raises(ValueError, match="got NaN or infinite"):
        photon_noise(torch.tensor([math.nan]), 10.0)
