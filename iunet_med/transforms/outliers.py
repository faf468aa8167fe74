"""Brings voxels far beyond the others, such as hot pixels, back to the range of the rest."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.transforms import MapTransform

from iunet_med.checks.intensities import usual_range


class LimitOutliersd(MapTransform):  # type: ignore[misc]
    """Image (C, *spatial) -> the same with each channel's outliers set to the percentile that they pass.

    One voxel of 1e6 would make the standard deviation, by which an image is divided, a hundred times too large. Images
    without outliers stay as they are, bit for bit. It belongs before any resampling, which smears an outlier.

    >>> image = torch.linspace(1, 2, 8000).reshape(1, 20, 20, 20)
    >>> image[0, 0, 0, 0] = 1e9
    >>> bool(LimitOutliersd("image")({"image": image})["image"].max() < 100)
    True
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Limit the images of `data`; outliers are those of `usual_range`, per channel."""
        d = dict(data)
        for key in self.key_iterator(d):
            image = d[key]
            for number in range(len(image)):
                usual = usual_range(torch.as_tensor(image[number]).cpu().numpy())
                if usual is None:
                    continue
                above, below = image[number] > usual.highest, image[number] < usual.lowest
                if above.any() or below.any():
                    image = image.clone() if image is d[key] else image
                    image[number][above], image[number][below] = usual.p99, usual.p1
            d[key] = image
        return d
