"""The largest that fits, by a memory that is known: 10 bytes per voxel and channel, and 1 per weight."""

from collections.abc import Sequence
from math import prod
from typing import Any

import pytest

from iunet_med.planning.recipe import Parts
from iunet_med.planning.search import TooSmallError, backprop_modes, crop_sizes, last_fitting, make_plan


class Known:
    """A recipe of three levels: stored levels cost 4, 2 and 1 times as much as the state."""

    levels = 3
    channels = (8, 16, 32)

    def multiple(self) -> tuple[int, ...]:
        return (8, 8, 8)

    def predict(self, crop: Sequence[int], *, backprop: Any = None, channels: Sequence[int] | None = None) -> Parts:
        first = (channels or self.channels)[0]
        states = 1 + sum(cost for cost, mode in zip((4, 2, 1), backprop, strict=True) if mode == "store")
        return Parts(first**2, 0, 0, 0, 10 * first * prod(crop) * states)


def plan(budget: int, **options: Any) -> Any:
    return make_plan(Known(), budget, **{"volume": (40, 40, 24), "crop": None, **options})  # type: ignore[arg-type]


def state(crop: Sequence[int]) -> int:
    return 80 * prod(crop) + 64


@pytest.mark.parametrize("crop", crop_sizes((40, 40, 24), (8, 8, 8)))
def test_the_largest_crop_is_found_to_the_byte(crop: tuple[int, ...]) -> None:
    assert plan(state(crop)).crop == crop
    if crop != (16, 16, 16):
        assert prod(plan(state(crop) - 1).crop) < prod(crop)


def test_as_many_low_levels_are_stored_as_fit() -> None:
    crop = (16, 16, 16)
    for states, stored in ((1, 0), (2, 1), (3.9, 1), (4, 2), (8, 3)):
        budget = int(80 * prod(crop) * states) + 64
        made = plan(budget, crop=crop)
        assert made.backprop == ["recompute"] * (3 - stored) + ["store"] * stored
        assert made.parts.total <= budget
    assert list(made.modes) == ["reversible", "1 stored", "2 stored", "all stored"]


def test_the_most_channels_are_found() -> None:
    assert plan(10 * 40 * 4096 + 40**2, crop=(16, 16, 16)).channels == [40, 80, 160]
    assert plan(10 * 40 * 4096 + 40**2 - 1, crop=(16, 16, 16)).channels == [32, 64, 128]


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(TooSmallError) as error:
        plan(1000)
    assert (error.value.crop, error.value.largest) == ((16, 16, 16), None)
    with pytest.raises(TooSmallError) as error:
        plan(state((24, 24, 24)), crop=(32, 32, 24))
    assert error.value.largest == (24, 24, 24)
    with pytest.raises(ValueError, match="--volume: expected 3 lengths for this network, got 2"):
        plan(10**9, volume=(3, 4))


@pytest.mark.parametrize("need", [lambda n: n, lambda n: n * n, lambda n: int(1000 * n**0.5)])
def test_guessing_finds_what_trying_all_finds(need: Any) -> None:
    sizes = [3, 4, 7, 8, 15, 40, 41, 90, 91, 200]
    for budget in range(0, 45_000, 7):
        wanted = max((place for place, size in enumerate(sizes) if need(size) <= budget), default=None)
        assert last_fitting(sizes, lambda place: need(sizes[place]), budget) == wanted


def test_networks_that_only_store_have_no_modes() -> None:
    assert backprop_modes(0) == []
