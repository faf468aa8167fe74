"""What a CT needs before a network sees it: its organs as one map of classes, and where the body is."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from torch import Tensor

from iunet_med.datasets.organ_labels import read_organs
from iunet_med.datasets.organ_layout import ORGAN_MASKS, ORGAN_VALUES


class LoadOrgansd(MapTransform):  # type: ignore[misc]
    """A label's path, or those of a mask per organ -> classes (1, X, Y, Z), uint8, 0 for the background.

    The case's `organ_values` or `organ_masks` say what belongs to which class, as `OrganLayout` finds it; without them
    the file holds the classes themselves.

    Args:
        keys: of the label.

    Raises:
        ValueError: a file is refused, or masks lie on different grids.

    >>> LoadOrgansd("label").keys
    ('label',)
    """

    def __init__(self, keys: KeysCollection, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Load the labels of `data`."""
        d = dict(data)
        for key in self.key_iterator(d):
            case = {name: d[name] for name in (ORGAN_MASKS, ORGAN_VALUES) if name in d} | {"label": d[key]}
            volume, _ = read_organs(case)
            meta = {"original_affine": volume.affine, "spatial_shape": np.array(volume.array.shape), "space": "RAS"}
            name = d[key] if isinstance(d[key], str) else d[key][0]
            meta |= {"original_channel_dim": float("nan"), "filename_or_obj": str(name)}
            d[key] = MetaTensor(torch.from_numpy(volume.array[None]), affine=torch.as_tensor(volume.affine), meta=meta)
        for name in (ORGAN_MASKS, ORGAN_VALUES):
            d.pop(name, None)
        return d


BODY_HU = -500.0
"""Between air and lung (-1000 to -500 HU) and fat (-120 to -90 HU)."""


def is_body(image: Tensor) -> Tensor:
    """Where a CT in HU shows the patient or the table, for `CropForegroundd`: the box of it holds the lungs, too."""
    return image > BODY_HU
