"""Keeps of each organ that is one body the largest connected part of its label."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_dst_type, convert_to_numpy
from numpy.typing import NDArray

from iunet_med.checks.connected_parts import connected_runs


class KeepLargestPartd(MapTransform):  # type: ignore[misc]
    """Label map (1, X, Y, Z) -> the same, where each of some labels has its largest part alone (26-connected).

    MONAI's `KeepLargestConnectedComponentd` does so, too, with several copies of the volume as 64-bit integers; memory
    here grows with the labels' surface.

    Args:
        keys: of the label maps.
        values: the labels; others stay as they are.

    >>> import torch
    >>> keep = KeepLargestPartd("pred", [1])
    >>> keep({"pred": torch.tensor([[[[1, 0, 1, 1, 0, 2, 0, 2]]]])})["pred"]
    tensor([[[[0, 0, 1, 1, 0, 2, 0, 2]]]])
    """

    def __init__(self, keys: KeysCollection, values: Sequence[int], *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.values = tuple(values)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Drop the smaller parts in the label maps of `data`."""
        d = dict(data)
        for key in self.key_iterator(d):
            label = convert_to_numpy(d[key][0]).copy(order="K")
            _drop_smaller(label, self.values)
            d[key], *_ = convert_to_dst_type(label[None], d[key])
        return d


def _drop_smaller(label: NDArray[Any], values: Sequence[int]) -> None:
    """Set all but the largest part of each of the values to 0, in place."""
    runs = connected_runs(label)
    sizes = np.bincount(runs.part, weights=runs.length)
    for value in values:
        own = runs.value == value
        if not own.any():
            continue
        parts = np.unique(runs.part[own])
        largest = parts[sizes[parts].argmax()]
        others = own & (runs.part != largest)
        for start, length in zip(runs.start[others], runs.length[others], strict=True):
            place = [slice(first, first + 1) for first in start]
            place[runs.axis] = slice(start[runs.axis], start[runs.axis] + length)
            label[tuple(place)] = 0
