"""Puts an image's channels into the network's order, by the names of the modalities."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from monai.config import KeysCollection
from monai.transforms import MapTransform


class OrderModalitiesd(MapTransform):  # type: ignore[misc]
    """Image (C, *spatial) whose channels are named by the item's `modalities` -> channels in the wanted order.

    The names are used up: they leave the item, as from here on the order is the wanted one. An item without names, as
    other programs make them, has to come in the wanted order.

    Raises:
        ValueError: if the names or the number of channels do not fit.
    """

    def __init__(self, keys: KeysCollection, modalities: Sequence[str], *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.modalities = list(modalities)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Reorder the images of `data`."""
        d = dict(data)
        came = list(d.pop("modalities", self.modalities))
        for key in self.key_iterator(d):
            if sorted(came) != sorted(self.modalities) or len(d[key]) != len(came):
                raise ValueError(
                    f"{d.get('case', key)} has {len(d[key])} channels, named {', '.join(came)}; the network needs "
                    f"{', '.join(self.modalities)}; give each of them once."
                )
            if came != self.modalities:
                d[key] = d[key][[came.index(name) for name in self.modalities]]
        return d
