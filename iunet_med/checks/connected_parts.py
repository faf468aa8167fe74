"""A label map as runs of equal labels along its fastest axis, and the connected parts that they make."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_NEXT_LINES = ((0, 1), (1, -1), (1, 0), (1, 1))
"""Half of a line's eight neighbours, (slow, middle); the other half finds this line as its own neighbour."""


@dataclass(frozen=True)
class Runs:
    """The runs of labels that are not zero; every array has one entry per run.

    Args:
        start: first voxel of each run, (N, 3), in the label map's axes.
        length: voxels of each run along `axis`.
        value: the label.
        part: number of the connected part (26-connected, of one label) that the run belongs to, from 0.
        axis: the axis along which the runs lie.
    """

    start: NDArray[np.int64]
    length: NDArray[np.int64]
    value: NDArray[Any]
    part: NDArray[np.int64]
    axis: int

    @property
    def end(self) -> NDArray[np.int64]:
        """The voxel after the last one in each axis, (N, 3)."""
        end = self.start + 1
        end[:, self.axis] += self.length - 1
        return end


def connected_runs(label: NDArray[Any]) -> Runs:
    """Find the runs of a label map (X, Y, Z) and their connected parts.

    Memory grows with the number of runs, about the labels' surface, and not with the volume.
    """
    axes = sorted(range(3), key=lambda axis: -abs(label.strides[axis]))
    start, length, value = _find(label.transpose(axes))
    part = _parts(start, length, value, shape=tuple(label.shape[axis] for axis in axes))
    return Runs(start[:, np.argsort(axes)], length, value, part, axes[2])


def _find(label: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
    """Starts (N, 3), lengths and labels of the runs along the last axis, sorted by start."""
    starts, lengths, values = [np.zeros((0, 3), np.int64)], [np.zeros(0, np.int64)], [label[:0, :0, :0].ravel()]
    width = label.shape[2]
    for slow, plane in enumerate(label):
        begins = np.ones(plane.shape, bool)  # a line begins with a run, so a run ends where the next begins
        np.not_equal(plane[:, 1:], plane[:, :-1], out=begins[:, 1:])
        position = np.flatnonzero(begins)
        length = np.diff(position, append=plane.size)
        value = plane[position // width, position % width] if plane.size else plane.ravel()
        labelled = value != 0
        middle, fast = np.divmod(position[labelled], width) if width else (position, position)
        starts.append(np.stack([np.full_like(middle, slow), middle, fast], axis=1))
        lengths.append(length[labelled])
        values.append(value[labelled])
    return np.concatenate(starts), np.concatenate(lengths), np.concatenate(values)


def _parts(
    start: NDArray[np.int64], length: NDArray[np.int64], value: NDArray[Any], *, shape: tuple[int, ...]
) -> NDArray[np.int64]:
    count = len(length)
    pairs = [np.zeros((2, 0), np.int32), *_touching(start, length, value, shape=shape)]
    one, other = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(len(one), bool), (one, other)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _touching(
    start: NDArray[np.int64], length: NDArray[np.int64], value: NDArray[Any], *, shape: tuple[int, ...]
) -> Iterator[NDArray[np.int32]]:
    """Yield pairs (2, P) of runs of one label that touch by a face, an edge or a corner."""
    slow, middle, fast = start.T
    stride = shape[2] + 2  # beyond a line's last end: keys of different lines never mix
    line = (slow * shape[1] + middle) * stride
    first, last = line + fast, line + fast + length  # both sorted, as runs of a line do not overlap
    for slow_step, middle_step in _NEXT_LINES:
        inside = (middle + middle_step >= 0) & (middle + middle_step < shape[1]) & (slow + slow_step < shape[0])
        run = np.flatnonzero(inside)
        shift = (slow_step * shape[1] + middle_step) * stride
        low = np.searchsorted(last, first[run] + shift, side="left")
        touched = np.searchsorted(first, last[run] + shift, side="right") - low
        one = np.repeat(run, touched)
        other = np.arange(touched.sum()) + np.repeat(low - np.cumsum(touched) + touched, touched)
        same = value[one] == value[other]
        yield np.stack([one[same], other[same]]).astype(np.int32)
