"""A state in parts: tensors whose concatenation along the channels it is, so that no half has to be copied to change.

The engine passes states on as parts. A single part may belong to a caller and is never changed in place; two equal
halves are the engine's own memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

Parts = list[Tensor]
Halves = tuple[Tensor, Tensor]


def channels_of(parts: Sequence[Tensor]) -> int:
    """Return the channels of all parts together."""
    return sum(part.shape[1] for part in parts)


def joined(parts: Sequence[Tensor]) -> Tensor:
    """Return the parts as one tensor, (B, C, *spatial); a single part is returned as it is."""
    return parts[0] if len(parts) == 1 else torch.cat(list(parts), 1)


def regrouped(parts: Parts, groups: int) -> Parts:
    """Return the same channels as `groups` dense parts of equal size, the given ones where they are these already."""
    size = channels_of(parts) // groups
    if [part.shape[1] for part in parts] == [size] * groups:
        return parts
    whole = joined(parts)
    return [_dense(part, memory_format(whole)) for part in torch.split(whole, size, 1)]


def are_halves(parts: Parts) -> bool:
    """Return True if the parts are two equal halves, which the engine may change in place."""
    return len(parts) == 2 and parts[0].shape[1] == parts[1].shape[1]


def own_halves(parts: Parts) -> Halves:
    """Take two halves out of `parts`, which is emptied: as they are where they are halves, else copies.

    Copies have memory of their own, so that each can be changed, and freed, without the other.
    """
    if not are_halves(parts):
        whole = joined(parts)
        parts[:] = [half.clone(memory_format=memory_format(whole)) for half in whole.chunk(2, 1)]
    v, u = parts.pop(), parts.pop()
    return u, v


def split_last(parts: Parts, channels: int) -> tuple[Parts, Tensor]:
    """Return the parts without their last `channels` channels, and these: views wherever they lie in one part."""
    *first, last = parts if parts[-1].shape[1] >= channels else [joined(parts)]
    kept = last.shape[1] - channels
    return [*first, *([last[:, :kept]] if kept else [])], last[:, kept:]


def memory_format(x: Tensor) -> torch.memory_format:
    """Return the format in which `x` is dense: channels last, or contiguous."""
    last = {4: torch.channels_last, 5: torch.channels_last_3d}.get(x.dim())
    is_last = last is not None and not x.is_contiguous() and x.is_contiguous(memory_format=last)
    return last if last is not None and is_last else torch.contiguous_format


def _dense(x: Tensor, format: torch.memory_format) -> Tensor:
    """Return `x` dense, with the strides of a new tensor: for one image torch takes any stride of the batch as dense.

    Compiled code is for given strides.
    """
    x = x.contiguous(memory_format=format)
    return x.as_strided(x.shape, (x[0].numel(), *x.stride()[1:]))
