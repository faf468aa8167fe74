"""Sliding windows whose stitched output is handed over slab by slab, so that it never exists as a whole."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from monai.data.utils import compute_importance_map, dense_patch_slices
from monai.inferers import Inferer, SlidingWindowInferer
from monai.utils import ensure_tuple_rep, fall_back_tuple
from torch import Tensor
from torch.nn import functional as F

PLANES = 8
"""Planes that are handed over at once: enough for fast arithmetic, and a copy of them is small."""


@dataclass(frozen=True)
class Slab:
    """Neighbouring planes of an output: `values` (C, D, H, W), which begin at index `start` of spatial axis `axis`."""

    values: Tensor
    axis: int
    start: int

    @property
    def place(self) -> tuple[slice, ...]:
        """Where it lies in an array (C, D, H, W)."""
        place = [slice(None)] * self.values.ndim
        place[1 + self.axis] = slice(self.start, self.start + self.values.shape[1 + self.axis])
        return tuple(place)


def slab_labels(slabs: Iterator[Slab], shape: tuple[int, ...], *, rule: Callable[[Tensor], Tensor]) -> Tensor:
    """Put a label map (1, *shape), uint8, together from slabs of logits.

    Args:
        slabs: of the network's output, such as from `window_slabs`.
        shape: spatial shape of the image.
        rule: logits (C, D, H, W) -> labels (1, D, H, W), each voxel by itself.
    """
    labels = torch.zeros((1, *shape), dtype=torch.uint8)
    for slab in slabs:
        labels[slab.place] = rule(slab.values).to("cpu", torch.uint8)
    return labels


def output_slabs(image: Tensor, network: Callable[[Tensor], Tensor], *, inferer: Inferer | None) -> Iterator[Slab]:
    """Run a network over an image (1, C, D, H, W) and yield its output.

    A `SlidingWindowInferer` is run as by `window_slabs`. The output of another inferer, or without one of the network
    on the image in one piece, exists as a whole.
    """
    if type(inferer) is SlidingWindowInferer:
        yield from window_slabs(image, network, window=inferer)
        return
    output = network(image) if inferer is None else inferer(image, network)
    if output.shape[2:] != image.shape[2:]:
        raise ValueError(
            f"the network's output has spatial shape {tuple(output.shape[2:])} and its input "
            f"{tuple(image.shape[2:])}; expected one output voxel per input voxel."
        )
    axis = _longest(image.shape[2:])
    for start in range(0, image.shape[2 + axis], PLANES):
        yield Slab(output[0].narrow(1 + axis, start, min(PLANES, image.shape[2 + axis] - start)), axis, start)


def window_slabs(image: Tensor, network: Callable[[Tensor], Tensor], *, window: SlidingWindowInferer) -> Iterator[Slab]:
    """Yield what `window(image, network)` returns, slab after slab along the longest axis.

    The windows are run in their order along that axis, and a plane is handed over as soon as no later window overlaps
    it. So the memory is that of as many planes of the output as a window is long, not of all.

    Args:
        image: (1, C, D, H, W).
        network: (B, C, *roi_size) -> (B, K, *roi_size).
        window: gives size, overlap, blending, padding and devices; how it buffers does not matter here.

    Raises:
        ValueError: several images at once, a network that gets coordinates, or another size of the output.
    """
    if len(image) != 1 or window.with_coord:
        raise ValueError(
            f"expected one image, got {len(image)}, and with_coord={window.with_coord}; expected a network "
            "that does not ask for coordinates; run MONAI's SlidingWindowInferer itself."
        )
    spatial = image.shape[2:]
    roi = fall_back_tuple(window.roi_size, spatial)
    before = [max(r - n, 0) // 2 for r, n in zip(roi, spatial, strict=True)]
    padded = _pad(image, roi, before, window)
    size = tuple(padded.shape[2:])
    axis = _longest(size)
    interval = [
        r if r == n else max(int(r * (1 - overlap)), 1)  # as `SlidingWindowInferer` steps
        for r, n, overlap in zip(roi, size, ensure_tuple_rep(window.overlap, len(size)), strict=True)
    ]
    places = sorted(dense_patch_slices(size, roi, interval), key=lambda place: int(place[axis].start))
    stitched = _Stitched(size, roi, axis, window, image)
    for start, planes in stitched.run(padded, network, places):
        first, end = before[axis], before[axis] + spatial[axis]
        low, high = max(first, start), min(end, start + len(planes))
        if low < high:  # else they are padding
            yield Slab(_unpadded(planes[low - start : high - start], axis, before, spatial), axis, low - first)


class _Stitched:
    """The planes that windows still overlap: sums of weighted outputs and of weights, (roi, K or 1, *others)."""

    def __init__(
        self, size: tuple[int, ...], roi: tuple[int, ...], axis: int, window: SlidingWindowInferer, image: Tensor
    ) -> None:
        self.size, self.roi, self.axis = size, roi, axis
        self.batch = window.sw_batch_size
        self.device = torch.device(window.sw_device or image.device)
        above = window.cpu_thresh is not None and image.shape[2:].numel() > window.cpu_thresh
        self.stitch_device = torch.device(window.device or ("cpu" if above else image.device))
        self.weight = compute_importance_map(
            roi, mode=window.mode, sigma_scale=window.sigma_scale, device=self.device, dtype=image.dtype
        )
        self.sums = self.weights = torch.empty(0)
        self.base = 0

    def run(
        self, image: Tensor, network: Callable[[Tensor], Tensor], places: list[tuple[slice, ...]]
    ) -> Iterator[tuple[int, Tensor]]:
        """Yield the first index and the means (planes, K, *others) of what is finished."""
        for first in range(0, len(places), self.batch):
            some = places[first : first + self.batch]
            windows = torch.cat([image[_all_channels(place)] for place in some]).to(self.device)
            for place, output in zip(some, network(windows), strict=True):
                yield from self._finish(place[self.axis].start)
                self._add(place, output)
        yield from self._finish(self.size[self.axis])

    def _add(self, place: tuple[slice, ...], output: Tensor) -> None:
        if tuple(output.shape[1:]) != tuple(self.roi):
            raise ValueError(
                f"the network's output has spatial shape {tuple(output.shape[1:])} for a window of {tuple(self.roi)}; "
                "expected one output voxel per input voxel; choose a roi_size that the network keeps."
            )
        others = [n for axis, n in enumerate(self.size) if axis != self.axis]
        if not self.sums.numel():
            make = {"dtype": self.weight.dtype, "device": self.stitch_device}
            self.sums = torch.zeros(self.roi[self.axis], len(output), *others, **make)
            self.weights = torch.zeros(self.roi[self.axis], 1, *others, **make)
        where = (slice(None), slice(None), *place[: self.axis], *place[self.axis + 1 :])
        self.sums[where] += (output * self.weight).to(self.stitch_device).movedim(1 + self.axis, 0)
        self.weights[where] += self.weight[None].to(self.stitch_device).movedim(1 + self.axis, 0)

    def _finish(self, start: int) -> Iterator[tuple[int, Tensor]]:
        """Hand over the planes before `start`, and move the others to the front, plane by plane to need no copy."""
        finished = start - self.base
        for first in range(0, finished, PLANES):
            part = slice(first, min(first + PLANES, finished))
            yield self.base + first, self.sums[part] / self.weights[part]
        if finished:
            for total in (self.sums, self.weights):
                for plane in range(len(total) - finished):
                    total[plane] = total[plane + finished]
                total[len(total) - finished :] = 0
        self.base = start


def _all_channels(place: tuple[slice, ...]) -> tuple[slice, ...]:
    return (slice(None), slice(None), *place)


def _longest(size: tuple[int, ...]) -> int:
    """The first of the longest axes: along it a plane is smallest."""
    return max(range(len(size)), key=lambda axis: size[axis])


def _pad(image: Tensor, roi: tuple[int, ...], before: list[int], window: SlidingWindowInferer) -> Tensor:
    missing = [max(r - n, 0) for r, n in zip(roi, image.shape[2:], strict=True)]
    if not any(missing):
        return image
    pads = [side for b, m in zip(before[::-1], missing[::-1], strict=True) for side in (b, m - b)]
    return F.pad(image, pads, mode=str(getattr(window.padding_mode, "value", window.padding_mode)), value=window.cval)


def _unpadded(planes: Tensor, axis: int, before: list[int], spatial: torch.Size) -> Tensor:
    """Planes (n, K, *others) -> (K, D, H, W) with n along `axis`, without the padding of the other axes."""
    values = planes.movedim(0, 1 + axis)
    for other, (first, length) in enumerate(zip(before, spatial, strict=True)):
        if other != axis:
            values = values.narrow(1 + other, first, length)
    return values
