"""Leaves modalities out at random, so that a network learns to do without."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable


class RandDropModalitiesd(MapTransform, Randomizable):  # type: ignore[misc]
    """Sets some channels of an image (C, X, Y, Z) to zero, the value of the background; at least one stays.

    Args:
        keys: of the image.
        prob: how often any is left out; then each number from one to all but one is as likely.

    >>> image = torch.ones(4, 2, 2, 2)
    >>> drop = RandDropModalitiesd("image", prob=1.0).set_random_state(seed=0)
    >>> 1 <= drop({"image": image})["image"].amax((1, 2, 3)).sum() <= 3
    tensor(True)
    """

    def __init__(self, keys: KeysCollection, prob: float = 0.25, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        if not 0 <= prob <= 1:
            raise ValueError(f"prob={prob}: expected a probability, 0 to 1.")
        self.prob = prob

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Leave channels out of each image of `data`."""
        d = dict(data)
        for key in self.key_iterator(d):
            channels = len(d[key])
            if channels < 2 or self.R.random() >= self.prob:
                continue
            gone = self.R.choice(channels, size=self.R.randint(1, channels), replace=False)
            kept = torch.ones(channels, dtype=d[key].dtype)
            kept[torch.as_tensor(gone)] = 0
            d[key] = d[key] * kept.reshape(-1, *[1] * (d[key].ndim - 1))
        return d
