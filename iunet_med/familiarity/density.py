"""A Gaussian of features, with shrinkage, as there are fewer images than features."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SMALLEST_DEVIATION = 0.01
"""Of the median deviation: features that hardly vary are not divided by next to nothing."""


@dataclass(frozen=True)
class Gaussian:
    """Mean and deviation of each feature, and the Cholesky factor of the correlations of all.

    Source of the shrinkage: Ledoit and Wolf 2004, https://doi.org/10.1016/S0047-259X(03)00096-4.

    >>> gaussian = Gaussian.fit(torch.eye(3, dtype=torch.float64))
    >>> gaussian.distances(torch.zeros(1, 3, dtype=torch.float64)).shape
    torch.Size([1])
    """

    mean: Tensor
    deviation: Tensor
    factor: Tensor

    @staticmethod
    def fit(features: Tensor) -> Gaussian:
        """Fit to features (images, features) in float64."""
        mean, deviation = features.mean(0), features.std(0, correction=0)
        deviation = deviation.clamp_min(SMALLEST_DEVIATION * float(deviation.median())).clamp_min(1e-12)
        return Gaussian(mean, deviation, torch.linalg.cholesky(shrunk_covariance((features - mean) / deviation)))

    def distances(self, features: Tensor) -> Tensor:
        """(images, features) -> Mahalanobis distances per root of the number of features, (images,)."""
        z = (features - self.mean) / self.deviation
        whitened = torch.linalg.solve_triangular(self.factor, z.T, upper=False)
        distances: Tensor = whitened.square().mean(0).sqrt()
        return distances


def shrunk_covariance(z: Tensor) -> Tensor:
    """Centred vectors (N, D) -> their covariance (D, D), drawn towards a multiple of the identity as far as is best."""
    count, size = z.shape
    covariance = z.T @ z / count
    target = torch.eye(size, dtype=z.dtype) * covariance.trace() / size
    distance = (covariance - target).square().sum()
    noise = (z.square().sum(1).square().sum() / count - covariance.square().sum()) / count
    share = float((noise / distance).clamp(0, 1)) if distance > 0 else 1.0
    return (1 - share) * covariance + share * target


def held_out_distances(features: Tensor) -> Tensor:
    """Return the distance of each image from the Gaussian of all others, (images,)."""
    others = ~torch.eye(len(features), dtype=torch.bool)
    return torch.cat(
        [Gaussian.fit(features[rest]).distances(one[None]) for one, rest in zip(features, others, strict=True)]
    )
