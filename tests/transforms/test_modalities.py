"""Channels are put into order by name."""

from typing import Any

import pytest
import torch
from monai.data import MetaTensor

from iunet_med.transforms import OrderModalitiesd

OURS = ["t1", "t1c", "t2", "flair"]


def image(channels: int = 4) -> Any:
    return MetaTensor(torch.arange(float(channels)).reshape(-1, 1, 1, 1).expand(-1, 2, 3, 4), affine=2 * torch.eye(4))


def test_channels_follow_their_names() -> None:
    item = {"image": image(), "modalities": ["flair", "t1", "t1c", "t2"], "case": "x"}
    ordered = OrderModalitiesd("image", OURS)(item)
    assert ordered["image"][:, 0, 0, 0].tolist() == [1, 2, 3, 0]
    torch.testing.assert_close(ordered["image"].affine, item["image"].affine)
    assert sorted(ordered) == ["case", "image"]
    assert item["image"][:, 0, 0, 0].tolist() == [0, 1, 2, 3]


def test_an_item_without_names_is_in_order_already() -> None:
    torch.testing.assert_close(OrderModalitiesd("image", OURS)({"image": image()})["image"], image())


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (
            {"image": image(), "modalities": ["t1", "t1", "t2", "flair"]},
            "image has 4 channels, named t1, t1, t2, flair",
        ),
        ({"image": image(3), "modalities": OURS, "case": "x"}, "x has 3 channels, named t1, t1c, t2, flair"),
        ({"image": image(3)}, "image has 3 channels, named t1, t1c, t2, flair"),
    ],
)
def test_other_channels_are_refused(item: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=rf"{told}; the network needs t1, t1c, t2, flair; give each of them once"):
        OrderModalitiesd("image", OURS)(item)
