"""As many prepared cases are kept as half of the free memory holds, and each is prepared once."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from monai.transforms import Compose, Lambdad, RandFlipd

from iunet_med.datasets import CheckItems, cached, checked_dataset, dataset_layout

CHECK = CheckItems(dataset_layout("brats23"))
ITEMS = [{"case": f"P{number}", "modalities": ["t1"], "image": number} for number in range(10)]
BYTES = 4 * 8**3


def prepared(calls: list[int]) -> Compose:
    def load(number: int) -> torch.Tensor:
        calls.append(number)
        return torch.full((1, 8, 8, 8), float(number))

    return Compose([Lambdad("image", load), RandFlipd("image", prob=0.5, spatial_axis=0)])


@pytest.mark.parametrize(("cases", "kept"), [(20, 10), (10, 5), (5, 2), (1, 0)])
def test_half_of_the_free_memory_is_used(cases: int, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "available_bytes", lambda: cases * BYTES)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    calls: list[int] = []
    data = checked_dataset(ITEMS, prepared(calls), check=CHECK, cache_rate="auto")
    assert data.cache_num == kept
    calls.clear()
    assert [float(data[number]["image"].mean()) for number in range(10)] == list(range(10))
    assert calls == list(range(kept, 10)), "those that are kept are not prepared again"


def test_several_processes_share_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "available_bytes", lambda: 20 * BYTES)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert checked_dataset(ITEMS, prepared([]), check=CHECK, cache_rate="auto").cache_num == 5


def test_a_rate_is_taken_as_it_is() -> None:
    def transform(item: Mapping[str, Any]) -> Mapping[str, Any]:
        return item

    assert checked_dataset(ITEMS, transform, check=CHECK, cache_rate=0.3).cache_num == 3
    assert len(checked_dataset([], transform, check=CHECK, cache_rate="auto")) == 0
