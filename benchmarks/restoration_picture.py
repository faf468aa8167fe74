"""A slice of foam: truth, filtered backprojection and what networks make of it, with the errors, in one grey scale."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor


def draw(path: Path, truth: Tensor, backprojected: Tensor, restored: Mapping[str, Tensor]) -> None:
    """Write a PNG: middle slices of volumes (N, N, N) from -0.2 to 1.2, below the errors from -0.6 to 0.6."""
    from matplotlib.figure import Figure

    shown = {"truth": truth, "filtered backprojection": backprojected, **restored}
    middle = truth.shape[-1] // 2
    figure = Figure(figsize=(2.6 * len(shown), 5.4), layout="constrained")
    axes = figure.subplots(2, len(shown))
    for column, (name, volume) in enumerate(shown.items()):
        slice_, error = volume[:, :, middle], (volume - truth)[:, :, middle]
        axes[0, column].imshow(slice_.T, cmap="gray", vmin=-0.2, vmax=1.2, origin="lower")
        axes[0, column].set_title(name, fontsize=9)
        axes[1, column].imshow(error.T, cmap="gray", vmin=-0.6, vmax=0.6, origin="lower")
    axes[1, 0].set_title("errors below", fontsize=9)
    for axis in axes.flat:
        axis.set_axis_off()
    figure.savefig(path, dpi=110)
