"""Nested regions and label maps: one channel per region to learn, one value per voxel to save."""

import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_dst_type
from torch import Tensor

from iunet_med.datasets.layouts import Regions
from iunet_med.datasets.siblings import LABEL_REGIONS
from iunet_med.volumes.labels import WHOLE_TOLERANCE


def own_values(regions: Regions) -> dict[str, int]:
    """Return for each region the one label value that it has beyond the regions nested in it.

    Raises:
        ValueError: for a region without exactly one such value, as the label map could not be told from the regions.
    """
    own = {}
    for name, values in regions.items():
        nested = [set(inner) for inner in regions.values() if set(inner) < set(values)]
        beyond = set(values).difference(*nested)
        if len(beyond) != 1 or 0 in values:
            raise ValueError(
                f"region {name} of {dict(regions)} has the label values {sorted(beyond)} beyond the regions nested in "
                "it; expected exactly one, and not 0, the background; give nested or disjoint regions that grow "
                "by one value each."
            )
        own[name] = beyond.pop()
    return own


class LabelToRegionsd(MapTransform):  # type: ignore[misc]
    """Label map (1, *spatial) -> float32 masks (R, *spatial), one channel per region, in the mapping's order.

    The label values are those of the item's `label_regions`, where it has some.

    Raises:
        ValueError: for a label value that no region contains.

    >>> to_regions = LabelToRegionsd("label", {"core": [1], "whole": [1, 2]})
    >>> to_regions({"label": torch.tensor([[0, 1, 2]])})["label"]
    tensor([[0., 1., 0.],
            [0., 1., 1.]])
    """

    def __init__(self, keys: KeysCollection, regions: Regions, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.regions = {name: tuple(values) for name, values in regions.items()}

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace the label maps of `data`."""
        d = dict(data)
        regions = _regions_of(d, self.regions)
        for key in self.key_iterator(d):
            d[key] = self._masks(d[key], [regions[name] for name in self.regions], source=_name(d, key))
        return d

    def _masks(self, label: Tensor, regions: Sequence[Sequence[int]], *, source: str) -> Any:
        plain = torch.as_tensor(label)
        if plain.is_floating_point():  # values stored through a slope, such as 0.99999997
            whole = plain.round()
            plain = torch.where((plain - whole).abs() <= WHOLE_TOLERANCE, whole, plain)
        known = torch.tensor([0, *set().union(*regions)], dtype=plain.dtype, device=plain.device)
        if not (fits := torch.isin(plain, known)).all():
            named = dict(zip(self.regions, regions, strict=True))
            raise ValueError(
                f"{source} has the label values {sorted(set(plain[~fits].tolist()))}, which no region of {named} "
                "contains; choose the layout or the regions of this data set."
            )
        masks = [torch.isin(plain[0], known.new_tensor(values)) for values in regions]
        return convert_to_dst_type(torch.stack(masks).float(), label, dtype=torch.float32)[0]


class RegionsToLabeld(MapTransform):  # type: ignore[misc]
    """Probabilities (R, *spatial), one channel per region -> label map (1, *spatial), uint8.

    Where a region's probability exceeds the threshold, its own value is painted; regions nested in others come last and
    so stay on top. The values are those of the item's `label_regions`, where it has some.

    >>> to_label = RegionsToLabeld("pred", {"core": [1], "whole": [1, 2]})
    >>> to_label({"pred": torch.tensor([[0.1, 0.9, 0.2], [0.2, 0.8, 0.7]])})["pred"]
    tensor([[0, 1, 2]], dtype=torch.uint8)
    """

    def __init__(
        self, keys: KeysCollection, regions: Regions, *, threshold: float = 0.5, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        own_values(regions)  # refuses those that cannot be painted
        self.regions = regions
        self.threshold = threshold
        self.outermost_first = sorted(regions, key=lambda name: -len(set(regions[name])))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace the probabilities of `data`."""
        d = dict(data)
        values = own_values(_regions_of(d, self.regions))
        channels = {name: channel for channel, name in enumerate(self.regions)}
        for key in self.key_iterator(d):
            probabilities = torch.as_tensor(d[key])
            if len(probabilities) != len(channels):
                raise ValueError(
                    f"{_name(d, key)} has {len(probabilities)} channels, and there are {len(channels)} regions; "
                    "give the network one output channel per region."
                )
            label = torch.zeros_like(probabilities[:1], dtype=torch.uint8)
            for name in self.outermost_first:
                label[0][probabilities[channels[name]] > self.threshold] = values[name]
            d[key] = convert_to_dst_type(label, d[key], dtype=torch.uint8)[0]
        return d


def _regions_of(data: Mapping[Hashable, Any], regions: Regions) -> Regions:
    """Return the regions of an item's own data set, where it has some, else those given."""
    own: Regions = json.loads(data[LABEL_REGIONS]) if LABEL_REGIONS in data else regions
    return own


def _name(data: Mapping[Hashable, Any], key: Hashable) -> str:
    meta = getattr(data[key], "meta", {})
    return str(meta.get("filename_or_obj") or data.get("case") or key)
