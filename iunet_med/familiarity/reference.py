"""The features of the images that a network was trained on, kept beside its weights in a plain file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from iunet_med.familiarity.density import Gaussian, held_out_distances
from iunet_med.files import replacing

FILE = "familiarity.npz"
FEWEST_IMAGES = 10
UNFAMILIAR_PERCENT = 2.0
"""Below this an image is unlike the training images; with fewer than 50 of those, farther out than each of them."""


@dataclass(frozen=True)
class Familiarity:
    """How an image compares with those of training.

    Args:
        percent: of the training images, as measured by a Gaussian of the others, that lie as far out or farther.
        distance: of the image from the Gaussian of the training images.
        usual, largest: the median and the largest of the training images' held-out distances.
    """

    percent: float
    distance: float
    usual: float
    largest: float

    @property
    def is_low(self) -> bool:
        """True if the image is unlike those of training."""
        return self.percent < UNFAMILIAR_PERCENT


@dataclass(frozen=True)
class Reference:
    """Features of training images.

    Args:
        features: (images, features), float64.
        held_out: the distance of each image from the Gaussian of the others, (images,).
        weights_sha256: of the weights' file whose features these are.

    Raises:
        ValueError: too few images.
    """

    features: Tensor
    held_out: Tensor
    weights_sha256: str

    @staticmethod
    def of(features: Tensor, *, weights_sha256: str) -> Reference:
        """Make the reference of features (images, features)."""
        if len(features) < FEWEST_IMAGES:
            raise ValueError(
                f"expected at least {FEWEST_IMAGES} images to tell what is usual, got {len(features)}; give the images "
                "that the network was trained on."
            )
        return Reference(features, held_out_distances(features), weights_sha256)

    @cached_property
    def gaussian(self) -> Gaussian:
        """The Gaussian of all images."""
        return Gaussian.fit(self.features)

    def familiarity(self, features: Tensor) -> Familiarity:
        """Compare the features of one image, (features,)."""
        distance = float(self.gaussian.distances(features[None]))
        percent = 100 * float((self.held_out >= distance).double().mean())
        return Familiarity(percent, distance, float(self.held_out.median()), float(self.held_out.max()))

    def write(self, path: Path) -> None:
        """Write a NumPy archive without code."""
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file,
                features=self.features.numpy().astype(np.float32),
                held_out=self.held_out.numpy(),
                weights_sha256=np.array(self.weights_sha256),
            )


def read_reference(path: Path, *, weights_sha256: str) -> Reference:
    """Read what `Reference.write` wrote.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it belongs to other weights, or is no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            features, held_out = (
                torch.from_numpy(archive[name].astype(np.float64)) for name in ("features", "held_out")
            )
            found = str(archive["weights_sha256"])
    except FileNotFoundError:
        raise
    except Exception as error:  # damaged archives raise anything
        raise ValueError(f"{path} is damaged, or no file of familiarity ({error}); make it again.") from error
    if found != weights_sha256:
        raise ValueError(
            f"{path} belongs to other weights (SHA-256 {found[:16]}, got {weights_sha256[:16]}); make it again."
        )
    return Reference(features, held_out, found)
