"""Puts an image's channels into the network's order, by the names of the modalities."""

from collections.abc import Sequence
from typing import Any


def in_order(image: Any, names: Sequence[str], wanted: Sequence[str], *, name: str) -> Any:
    """Return an image (C, *spatial) with its channels in the wanted order.

    Args:
        image: an array or tensor.
        names: the modalities of its channels.
        wanted: the same names in the order of the network.
        name: what an error calls the image.

    Raises:
        ValueError: the names or the number of channels do not fit.
    """
    if sorted(names) != sorted(wanted) or len(image) != len(names):
        raise ValueError(
            f"{name}: expected the channels {', '.join(wanted)}, got {len(image)}, named {', '.join(names)}; give each "
            "of them once."
        )
    return image if list(names) == list(wanted) else image[[list(names).index(one) for one in wanted]]
