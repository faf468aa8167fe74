"""One slice as radiologists read it: seen from the feet, in proportion, with outlines of regions."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

_INSIDE = 0.8
"""Of a mask that is 1 inside; 0.5 is the border itself, where the outlines of neighbours would be one."""


def radiological(plane: NDArray[Any]) -> NDArray[Any]:
    """Return the picture of a plane (X, Y) in RAS+ order: rows from the front, columns from the patient's right."""
    return np.transpose(plane[::-1, ::-1])


def show_slice(
    axes: Axes,
    picture: NDArray[Any],
    *,
    pixel_mm: tuple[float, float],
    window: tuple[float, float],
    interpolation: str = "bilinear",
) -> None:
    """Draw a picture (rows, columns) in grey on black, with coordinates in mm from its upper left corner.

    Args:
        axes: lose their ticks and frame.
        picture: intensities.
        pixel_mm: height and width of a pixel.
        window: intensities drawn black and white.
        interpolation: one of matplotlib's.
    """
    (rows, columns), (height, width) = picture.shape, pixel_mm
    extent = (0, columns * width, rows * height, 0)
    axes.imshow(
        picture, cmap="gray", vmin=window[0], vmax=window[1], extent=extent, interpolation=interpolation
    )  # equal aspect, as lengths are mm
    axes.autoscale(False)  # all panels show the same, whatever is drawn on them
    axes.set_facecolor("black")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def draw_outline(
    axes: Axes, mask: NDArray[np.bool_], *, pixel_mm: tuple[float, float], color: str, linewidth: float
) -> None:
    """Outline a mask (rows, columns) on a slice that `show_slice` drew; an empty one draws nothing."""
    if mask.any():
        rim = np.pad(mask, 1).astype(float)  # closes the outline of a region that touches the border
        rows, columns = ((np.arange(count) - 0.5) * size for count, size in zip(rim.shape, pixel_mm, strict=True))
        axes.contour(columns, rows, rim, levels=[_INSIDE], colors=color, linewidths=linewidth)


def mark_sides(axes: Axes, left: str = "R", right: str = "L", *, fontsize: float = 10) -> None:
    """Write at the upper corners which side of the patient is there."""
    for letter, x, side in ((left, 0.02, "left"), (right, 0.98, "right")):
        axes.text(x, 0.98, letter, color="white", fontsize=fontsize, ha=side, va="top", transform=axes.transAxes)
