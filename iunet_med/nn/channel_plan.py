"""How many channels each level of an invertible U-Net has, keeps and sends down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from numbers import Integral

Stride = int | Sequence[int]


@dataclass(frozen=True)
class ChannelPlan:
    """Channels per level and strides between levels, checked to be possible.

    A bijection cannot create or lose values: the k channels that leave a level become k * prod(stride) channels of
    the level below. Every level halves its channels for the couplings, so their number is even.

    Attributes:
        spatial_dims: number of spatial axes.
        channels: channels of each level, from the finest to the coarsest.
        strides: one tuple of lengths per step down, one fewer than levels.

    >>> plan = ChannelPlan.of(3, (32, 64, 128), 2)
    >>> plan.sent, plan.kept, plan.reach
    ((8, 16), (24, 48), (4, 4, 4))
    """

    spatial_dims: int
    channels: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        if len(self.channels) != len(self.strides) + 1:
            raise ValueError(
                f"Expected one stride between two levels, {len(self.channels) - 1} for channels {self.channels}; got "
                f"{len(self.strides)}."
            )
        if any(len(stride) != self.spatial_dims for stride in self.strides):
            raise ValueError(f"strides={self.strides}: expected {self.spatial_dims} lengths each (spatial_dims).")
        if any(length < 1 for stride in self.strides for length in stride):
            raise ValueError(f"strides={self.strides}: expected lengths of at least 1.")
        if not self.channels or min(self.channels) < 1 or not self._is_possible(self.channels):
            raise ValueError(
                f"channels={self.channels} with strides={self.strides}: a bijection needs an even number of channels "
                "at every level, and below each level a multiple of prod(stride) that the level above can fill. The "
                f"nearest possible plan is channels={self.nearest()}."
            )

    @classmethod
    def of(cls, spatial_dims: int, channels: Sequence[int], strides: Stride | Sequence[Stride]) -> ChannelPlan:
        """Spell out strides given as one number, or as one number or tuple per step; ValueError if impossible."""
        if isinstance(channels, str) or not all(_is_whole(c) for c in channels):
            raise ValueError(f"channels={channels!r}: expected whole numbers, one per level, such as (32, 64, 128).")
        per_step = [strides] * (len(channels) - 1) if isinstance(strides, int) else list(strides)
        spelt = tuple((s,) * spatial_dims if isinstance(s, int) else tuple(s) for s in per_step)
        return cls(spatial_dims, tuple(map(int, channels)), spelt)

    @property
    def sent(self) -> tuple[int, ...]:
        """Channels that each level but the last sends down."""
        return tuple(below // prod(stride) for below, stride in zip(self.channels[1:], self.strides, strict=True))

    @property
    def kept(self) -> tuple[int, ...]:
        """Channels that each level but the last keeps: its skip connection."""
        return tuple(c - k for c, k in zip(self.channels, self.sent, strict=False))

    @property
    def reach(self) -> tuple[int, ...]:
        """Voxels per axis that become one at the lowest level; sizes must be multiples of it."""
        return tuple(prod(stride[axis] for stride in self.strides) for axis in range(self.spatial_dims))

    def nearest(self) -> tuple[int, ...]:
        """Return the possible channels with the smallest sum of distances to those asked for."""
        highest = 2 * max(2, *self.channels, *(2 * prod(stride) for stride in self.strides))
        best: dict[int, tuple[int, tuple[int, ...]]] = {
            c: (abs(c - self.channels[0]), (c,)) for c in range(2, highest + 1, 2)
        }
        for asked, stride in zip(self.channels[1:], self.strides, strict=True):
            following = {}
            for c in _multiples(prod(stride), highest):
                sources = [best[above] for above in best if above * prod(stride) >= c]
                if sources:
                    cost, plan = min(sources)
                    following[c] = (cost + abs(c - asked), (*plan, c))
            best = following
        return min(best.values())[1]

    def _is_possible(self, channels: Sequence[int]) -> bool:
        if any(c % 2 for c in channels):
            return False
        pairs = zip(channels[:-1], channels[1:], self.strides, strict=True)
        return all(below % prod(stride) == 0 and below <= above * prod(stride) for above, below, stride in pairs)


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _multiples(of: int, highest: int) -> range:
    step = of if of % 2 == 0 else 2 * of
    return range(step, highest + 1, step)
