"""The kernels of a GPU beside torch's operations: time of one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.tables import markdown
from iunet_med.nn import ChannelMixing, instance_norm, isometry

CHANNELS = (8, 16, 32)
COLUMNS = ("what", "size", "ours, ms", "torch's, ms")


def table(*, quick: bool = False) -> str:
    """Return the table in Markdown, or a line that says that there is no GPU."""
    if not torch.cuda.is_available():
        return "Open: no GPU here."
    side, calls = (32, 3) if quick else (128, 50)
    return f"One call, on {torch.cuda.get_device_name()}; the time is the GPU's own.\n\n" + markdown(
        COLUMNS, rows(side, calls)
    )


def rows(side: int, calls: int) -> Iterator[tuple[object, ...]]:
    """Yield one row per operation and number of channels."""
    for channels in CHANNELS:
        x = torch.randn(1, channels, side, side, side, device="cuda", requires_grad=True)
        grad = torch.randn_like(x)
        size = f"{channels} x {side}^3"
        norm, act = nn.InstanceNorm3d(channels, affine=True).cuda(), nn.LeakyReLU(0.01)
        ways = (partial(instance_norm.normalise_and_activate, norm=norm, act=act), nn.Sequential(norm, act))
        yield "norm + leaky ReLU, forward", size, *(_ms(partial(way, x.detach()), calls) for way in ways)
        yield "norm + leaky ReLU, backward", size, *(_ms_backward(way, x, grad, calls) for way in ways)
        vectors = [t.detach().flatten(2).unsqueeze(1) for t in (x, grad)]
        mixing = ChannelMixing(channels).cuda()
        yield (
            "gradient of a matrix",
            size,
            *(_ms_in_pieces(mixing, vectors, pieces, calls) for pieces in (isometry.PIECES, 1)),
        )


def _ms_backward(way: Callable[[Tensor], Tensor], x: Tensor, grad: Tensor, calls: int) -> str:
    y = way(x)
    return _ms(lambda: torch.autograd.grad(y, x, grad, retain_graph=True), calls)


def _ms_in_pieces(mixing: ChannelMixing, vectors: Sequence[Tensor], pieces: int, calls: int) -> str:
    chosen, isometry.PIECES = isometry.PIECES, pieces
    try:
        return _ms(lambda: mixing._outer_sum(*vectors), calls)
    finally:
        isometry.PIECES = chosen


def _ms(run: Callable[[], object], calls: int) -> str:
    """Return milliseconds per call between two events of the stream."""
    for _ in range(3):
        run()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(calls):
        run()
    end.record()
    torch.cuda.synchronize()
    return f"{start.elapsed_time(end) / calls:.2f}"
