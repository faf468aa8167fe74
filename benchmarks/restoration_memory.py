"""Memory of the paper's restoration networks at 256 voxels cubed, predicted for CUDA, beside a U-Net's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.tables import gib, markdown
from iunet_med import IUNet
from iunet_med.memory import predict_step_memory
from iunet_med.networks import UNet

SIZES = ((4, 4), (4, 8), (8, 4), (8, 8), (8, 16))
"""Scales, and the channels of the finest; each scale has twice those of the one above."""
NORM = ("group", {"num_groups": 1})
COLUMNS = ("scales, channels", "parameters", "IUNet reversible, GiB", "IUNet stored, GiB", "U-Net, GiB")


def table(*, quick: bool = False) -> str:
    """Return the table in Markdown; `quick` predicts the smallest at 32 voxels cubed."""
    sizes, side = (SIZES[:1], 32) if quick else (SIZES, 256)
    text = f"One forward and backward pass on 1 x {side}³, float32, without an optimiser, predicted for CUDA.\n\n"
    return text + markdown(COLUMNS, rows(sizes, side))


def rows(sizes: Sequence[tuple[int, int]], side: int) -> Iterator[tuple[object, ...]]:
    """Yield a row per network."""
    shape = (1, 1, side, side, side)
    for scales, width in sizes:
        channels = [width * 2**level for level in range(scales)]
        builds = [
            lambda mode=mode, channels=channels: IUNet(3, 1, 1, channels, couplings=2, norm=NORM, backprop=mode)
            for mode in ("reversible", "stored")
        ]
        builds.append(lambda channels=channels: UNet(3, 1, 1, channels))
        size = sum(parameter.numel() for parameter in builds[0]().parameters())
        peaks = [gib(predict_step_memory(build, shape, device_type="cuda").peak) for build in builds]
        yield f"{scales}, {width}", f"{size:,}", *peaks
