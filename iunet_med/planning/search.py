"""Finds the largest crop and the most channels that fit, and the levels to store in what is left."""

from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

from iunet_med.planning.recipe import Parts, Recipe

Crop = tuple[int, ...]
STORE, RECOMPUTE = "store", "recompute"


@dataclass(frozen=True)
class Plan:
    """What fits.

    Args:
        crop: the largest, or the one that was asked for.
        backprop: which levels to store for the fastest step; None for networks that only store.
        parts: the bytes of that step.
        modes: bytes at this crop of rebuilding all levels, storing some, and storing all, by what is stored.
        crops: the largest crop of rebuilding all levels and of storing all.
        channels: the most channels of the levels at this crop, rebuilding all; None where the config has no id for it.
    """

    crop: Crop
    backprop: list[str] | None
    parts: Parts
    modes: dict[str, Parts]
    crops: dict[str, Crop | None]
    channels: list[int] | None


def make_plan(
    recipe: Recipe,
    budget: int,
    *,
    volume: Sequence[int],
    crop: Crop | None,
    on_step: Callable[[], object] = lambda: None,
) -> Plan:
    """Plan a training step.

    Args:
        recipe: the config's step.
        budget: bytes for tensors.
        volume: voxels of an image; no crop is larger than what holds it.
        crop: a crop that is wished for; None for the largest that fits.
        on_step: called after each prediction.

    Raises:
        ValueError: not even the smallest crop fits, or the crop that was wished for does not.
    """
    multiple = recipe.multiple()
    for name, size in (("volume", volume), ("crop", crop or volume)):
        if len(size) != len(multiple):
            raise ValueError(f"--{name}: expected {len(multiple)} lengths for this network, got {len(size)}.")
    sizes = crop_sizes(volume, multiple)
    modes = backprop_modes(recipe.levels)

    def predict(size: Crop, stored: int, channels: Sequence[int] | None = None) -> Parts:
        parts = recipe.predict(size, backprop=modes[stored] if modes else None, channels=channels)
        on_step()
        return parts

    def largest_crop(stored: int) -> Crop | None:
        voxels = [prod(size) for size in sizes]
        found = last_fitting(voxels, lambda place: predict(sizes[place], stored).total, budget)
        return None if found is None else sizes[found]

    largest = {names(0, recipe.levels): largest_crop(0)}
    if recipe.levels:
        largest[names(recipe.levels, recipe.levels)] = largest_crop(recipe.levels)
    chosen = crop or next(iter(largest.values()))
    if chosen is None:
        raise TooSmallError(sizes[0], predict(sizes[0], 0))
    parts = {0: predict(chosen, 0)}
    if parts[0].total > budget:
        raise TooSmallError(chosen, parts[0], largest=next(iter(largest.values())))
    for stored in range(1, recipe.levels + 1):
        parts[stored] = predict(chosen, stored)
    fastest = max((stored for stored, one in parts.items() if one.total <= budget), default=0)
    return Plan(
        crop=chosen,
        backprop=modes[fastest] if modes else None,
        parts=parts[fastest],
        modes={names(stored, recipe.levels): one for stored, one in parts.items()},
        crops=largest,
        channels=_most_channels(recipe, budget, lambda channels: predict(chosen, 0, channels).total),
    )


class TooSmallError(ValueError):
    """A step that does not fit.

    Args:
        crop: its crop.
        parts: its bytes.
        largest: the largest crop that does fit; None if none does.
    """

    def __init__(self, crop: Crop, parts: Parts, *, largest: Crop | None = None) -> None:
        super().__init__(f"a step on {' x '.join(map(str, crop))} does not fit")
        self.crop, self.parts, self.largest = crop, parts, largest


def crop_sizes(volume: Sequence[int], multiple: Sequence[int]) -> list[Crop]:
    """Return cubes that grow by `multiple`, cut where they are larger than what holds the volume.

    The first is twice `multiple` long: of a single voxel at the lowest level norms make zero.

    >>> crop_sizes((20, 20, 10), (8, 8, 8))
    [(16, 16, 16), (24, 24, 16)]
    """
    whole = [-(-length // step) * step for length, step in zip(volume, multiple, strict=True)]
    rounds = max(length // step for length, step in zip(whole, multiple, strict=True))
    return [
        tuple(min(length, step * count) for length, step in zip(whole, multiple, strict=True))
        for count in range(min(2, rounds), rounds + 1)
    ]


def backprop_modes(levels: int) -> list[list[str]]:
    """Return for 0, 1, 2 and so on lowest levels stored what each level does; empty without levels.

    The lowest levels hold the least memory for the time that they take.
    """
    return [[RECOMPUTE] * (levels - stored) + [STORE] * stored for stored in range(levels + 1)] if levels else []


def names(stored: int, levels: int) -> str:
    """Return what a mode is called.

    >>> names(0, 4), names(1, 4), names(4, 4), names(0, 0)
    ('reversible', '1 stored', 'all stored', 'as it is')
    """
    if not levels:
        return "as it is"
    return {0: "reversible", levels: "all stored"}.get(stored, f"{stored} stored")


def last_fitting(sizes: Sequence[int], need: Callable[[int], int], budget: int) -> int | None:
    """Return the last place whose need is within the budget; None if the first is not.

    Args:
        sizes: ascending; the need grows with them, nearly in a straight line. Places are guessed by it, and every other
            one lies in the middle, in case that it bends.
        need: of a place.
        budget: its bound.
    """
    low, high = 0, len(sizes) - 1
    if (most := need(high)) <= budget:
        return high
    if (least := need(low)) > budget:
        return None
    halve = False
    while high - low > 1:
        share = 0.5 if halve else (budget - least) / (most - least)
        guess = bisect(sizes, sizes[low] + share * (sizes[high] - sizes[low])) - 1
        guess, halve = min(max(guess, low + 1), high - 1), not halve
        if (here := need(guess)) <= budget:
            low, least = guess, here
        else:
            high, most = guess, here
    return low


def _most_channels(recipe: Recipe, budget: int, need: Callable[[Sequence[int]], int]) -> list[int] | None:
    if not (channels := recipe.channels):
        return None
    choices = list(_wider(channels))
    found = last_fitting([choice[0] for choice in choices], lambda place: need(choices[place]), budget)
    return None if found is None else choices[found]


def _wider(channels: Sequence[int]) -> Iterator[list[int]]:
    """The channels in proportion, from 8 at the first level to 32 times as many as there are, in steps of 8."""
    for first in range(8, 32 * channels[0] + 1, 8):
        if all(first * other % channels[0] == 0 and first * other // channels[0] % 2 == 0 for other in channels):
            yield [first * other // channels[0] for other in channels]
