"""Time and memory of orthogonal downsampling as a product of matrices and as a strided convolution."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median, quantiles

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.tables import markdown, mib
from benchmarks.timing import in_turns
from iunet_med.memory import LiveBytes
from iunet_med.nn.bijection import Inverse
from iunet_med.nn.engine import reversible
from iunet_med.nn.resampling import OrthogonalDownsampling

SHAPES = ((1, 32, 256, 256), (1, 4, 48, 48, 48), (1, 32, 48, 48, 48), (1, 8, 96, 96, 96))
COLUMNS = ("input", "direction", "method", "forward, ms", "forward + backward, ms", "peak, MiB")
CONVOLVE: dict[int, tuple[Callable[..., Tensor], Callable[..., Tensor]]] = {
    2: (F.conv2d, F.conv_transpose2d),
    3: (F.conv3d, F.conv_transpose3d),
}

Apply = Callable[[Tensor], Tensor]


def convolution(layer: OrthogonalDownsampling, x: Tensor, *, up: bool) -> Tensor:
    """Apply `layer`, or its inverse, as a grouped strided convolution."""
    dims = len(layer.stride)
    kernel = layer.matrix().reshape(-1, 1, *layer.stride)
    return CONVOLVE[dims][up](x, kernel, stride=layer.stride, groups=layer.channels)


def methods(layer: OrthogonalDownsampling, *, up: bool) -> dict[str, Apply]:
    """Return the ways to apply `layer`, or its inverse."""
    bijection = Inverse(layer) if up else layer
    return {
        "matrix product": bijection,
        "convolution": partial(convolution, layer, up=up),
        "matrix product, reversible": partial(reversible, bijection),
    }


def rows(shapes: Sequence[Sequence[int]], rounds: int) -> Iterator[tuple[object, ...]]:
    """Yield one row per shape (B, C, *spatial), direction and method; strides are 2."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for shape in shapes:
        layer = OrthogonalDownsampling(shape[1], (2,) * (len(shape) - 2)).to(device)
        for up in (False, True):
            x = torch.randn(*shape, device=device)
            x = layer(x).detach() if up else x
            ways = methods(layer, up=up)
            forward = in_turns({name: partial(run, way, x, backward=False) for name, way in ways.items()}, rounds)
            both = in_turns({name: partial(run, way, x, backward=True) for name, way in ways.items()}, rounds)
            for name, way in ways.items():
                with LiveBytes() as live:
                    run(way, x, backward=True)
                direction = "up" if up else "down"
                size = " x ".join(map(str, shape[1:]))
                yield size, direction, name, spread(forward[name]), spread(both[name]), mib(live.peak)


def run(way: Apply, x: Tensor, *, backward: bool) -> None:
    """Apply once, with the gradients of the input and the weight where `backward` asks for them."""
    with torch.set_grad_enabled(backward):
        y = way(x.detach().requires_grad_(backward))
        if backward:
            y.backward(torch.ones_like(y))  # type: ignore[no-untyped-call]
    if x.is_cuda:
        torch.cuda.synchronize()


def spread(times: list[float]) -> str:
    """Return median and quartiles of seconds, in ms."""
    low, _, high = quantiles(times, n=4, method="inclusive")
    return f"{1e3 * median(times):.2f} ({1e3 * low:.2f} to {1e3 * high:.2f})"


def table(*, quick: bool = False) -> str:
    """Return the table in Markdown; `quick` takes one shape and few rounds."""
    return "Median and quartiles; the peak is that of live tensors, without the input.\n\n" + markdown(
        COLUMNS, rows(SHAPES[1:2], 3) if quick else rows(SHAPES, 21)
    )
