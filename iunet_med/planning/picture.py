"""The memory of a training step over the size of its crop, and the budget as a line."""

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from iunet_med.files import replacing
from iunet_med.planning.budget import GIB
from iunet_med.planning.search import Crop

_COLOURS = ("#009E73", "#0072B2", "#D55E00", "#E69F00")
"""Told apart by colour-blind readers. Source: Okabe and Ito 2008, https://jfly.uni-koeln.de/color/."""


def write_plan_picture(
    path: Path, sizes: Sequence[Crop], curves: Mapping[str, Sequence[int]], *, budget: int, title: str, chosen: Crop
) -> None:
    """Save a picture as PNG.

    Args:
        path: the file.
        sizes: the crops.
        curves: by mode the bytes at each crop.
        budget: bytes for tensors.
        title: of the picture.
        chosen: the crop of the plan, which is marked.
    """
    with rc_context({"text.parse_math": False}):
        figure = Figure(figsize=(7, 4.2), dpi=130, layout="constrained")
        axes = figure.subplots()
        voxels = [_millions(size) for size in sizes]
        for colour, (name, line) in zip(_COLOURS, curves.items(), strict=False):
            axes.plot(voxels, [size / GIB for size in line], color=colour, marker="o", markersize=4, label=name)
        axes.axhline(budget / GIB, color="black", linestyle="--", linewidth=1)
        axes.annotate("what tensors may take", (voxels[0], budget / GIB), ha="left", va="bottom", fontsize=9)
        axes.axvline(_millions(chosen), color="grey", linestyle=":", linewidth=1)
        axes.set_xticks(voxels, ["\n".join(map(str, size)) for size in sizes], fontsize=8)
        axes.set_xlabel("crop, voxels per axis (dotted: the plan's)")
        axes.set_ylabel("peak of a training step, GiB")
        axes.set_ylim(0, 2 * budget / GIB)
        axes.set_title(title, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        with replacing(path) as temporary:
            figure.savefig(temporary, format="png")


def _millions(size: Crop) -> float:
    return prod(size) / 1e6
