"""Modalities that are left out are zero, the others untouched, and never all are gone."""

import pytest
import torch

from iunet_med.transforms import RandDropModalitiesd


def test_some_are_left_out_and_some_stay() -> None:
    image = torch.randn(4, 3, 3, 3)
    drop = RandDropModalitiesd("image", prob=0.5).set_random_state(seed=1)
    counts = []
    for _ in range(200):
        out = drop({"image": image})["image"]
        gone = [bool((channel == 0).all()) for channel in out]
        assert all(torch.equal(out[k], image[k]) for k in range(4) if not gone[k])
        counts.append(sum(gone))
    assert set(counts) == {0, 1, 2, 3}
    assert 70 < counts.count(0) < 130


def test_one_channel_stays_and_bad_chances_are_refused() -> None:
    image = torch.ones(1, 2, 2, 2)
    assert RandDropModalitiesd("image", prob=1.0)({"image": image})["image"] is image
    with pytest.raises(ValueError, match="prob=2: expected a probability"):
        RandDropModalitiesd("image", prob=2)
