"""Channels are put into order by name."""

from typing import Any

import pytest
import torch
from monai.data import MetaTensor

from iunet_med.transforms.modalities import in_order

OURS = ["t1", "t1c", "t2", "flair"]


def image(channels: int = 4) -> Any:
    return MetaTensor(torch.arange(float(channels)).reshape(-1, 1, 1, 1).expand(-1, 2, 3, 4), affine=2 * torch.eye(4))


def test_channels_follow_their_names() -> None:
    given = image()
    ordered = in_order(given, ["flair", "t1", "t1c", "t2"], OURS, name="x")
    assert ordered[:, 0, 0, 0].tolist() == [1, 2, 3, 0]
    torch.testing.assert_close(ordered.affine, given.affine)
    assert given[:, 0, 0, 0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("channels", "names", "told"),
    [(4, ["t1", "t1", "t2", "flair"], "got 4, named t1, t1, t2, flair"), (3, OURS, "got 3, named t1, t1c, t2, flair")],
)
def test_other_channels_are_refused(channels: int, names: list[str], told: str) -> None:
    with pytest.raises(
        ValueError, match=f"x: expected the channels t1, t1c, t2, flair, {told}; give each of them once"
    ):
        in_order(image(channels), names, OURS, name="x")
