"""A picture of a segmentation: the input with the labels' outlines, in three planes through the largest part."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from nibabel.affines import voxel_sizes
from nibabel.orientations import apply_orientation, io_orientation
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from iunet_med.checks.runs import connected_runs
from iunet_med.handlers.slice_picture import OUTLINE_COLOURS

COLOURS = (
    *(*OUTLINE_COLOURS, "#E69F00", "#0072B2"),
    *("#FF8F8F", "#8FFF8F", "#AFAFFF", "#00E5E5", "#FFB3E6", "#B39B6B", "#C6FF00"),
)
"""Seven that colour-blind readers tell apart, then others.

Source: Okabe and Ito 2008, https://jfly.uni-koeln.de/color/."""
_WIDTH_INCHES, _DPI = 9.0, 100
_HEIGHTS_INCHES = (2.4, 5.2)
_MARGIN_VOXELS = 3
_INSET = 0.8  # of a mask that is 1 inside; 0.5 is the border itself, where the outlines of neighbours would be one
_SIDES = (("R", "L"), ("R", "L"), ("A", "P"))  # at the left and at the right of each picture
_TITLES = ("axial", "coronal", "sagittal")


@dataclass(frozen=True)
class _Plane:
    """One picture: rows from the top, columns from the left, and the size of its pixels in mm."""

    image: NDArray[Any]
    label: NDArray[Any]
    row_mm: float
    column_mm: float

    @property
    def width_mm(self) -> float:
        return float(self.image.shape[1] * self.column_mm)

    @property
    def height_mm(self) -> float:
        return float(self.image.shape[0] * self.row_mm)


def label_colours(values: Iterable[int]) -> dict[int, str]:
    """A colour per label value; the fifteenth is the first one again."""
    return {value: COLOURS[place % len(COLOURS)] for place, value in enumerate(values)}


def lesion_planes(
    image: NDArray[Any],
    label: NDArray[Any],
    affine: ArrayLike,
    *,
    names: Mapping[int, str],
    colours: Mapping[int, str],
    window: tuple[float, float] | None = None,
) -> bytes:
    """Draw an axial, a coronal and a sagittal plane on one scale as a PNG 900 pixels wide.

    Each plane is the one with the largest section of the largest connected part of all labels together, or the middle
    one where nothing is labelled. Axial and coronal show the patient's right at the left, sagittal the front at the
    left. Oblique volumes are shown along their own axes.

    Args:
        image: (X, Y, Z), one channel.
        label: label map (X, Y, Z) on the same grid.
        affine: voxel index to RAS+ mm, (4, 4).
        names: the name of each label value, for the legend.
        colours: the colour of each label value, from `label_colours`.
        window: intensities drawn black and white, such as (-160, 240) HU; else from the first percentile of the
            planes, which is the background, to the 99.5th percentile of what is brighter.

    Raises:
        ValueError: image and label differ in shape or are not three-dimensional.
    """
    if image.ndim != 3 or image.shape != label.shape:
        raise ValueError(
            f"the image has shape {image.shape} and the label map {label.shape}; needed: one grid (X, Y, Z); give one "
            "channel of the image, and the label map that was made of it."
        )
    orientation = io_orientation(np.asarray(affine, np.float64))
    sizes = voxel_sizes(np.asarray(affine, np.float64))[np.argsort(orientation[:, 0])]
    image, label = (apply_orientation(volume, orientation) for volume in (image, label))
    places = _position(label)
    planes = [_cut(image, label, sizes, axis, places[axis]) for axis in (2, 1, 0)]
    low, high = window or _window(planes)
    figure = _draw([_crop(plane, low) for plane in planes], low, high, names=names, colours=colours)
    return _png(figure)


def _position(label: NDArray[Any]) -> tuple[int, ...]:
    """Per axis the index of the largest section of the largest part; the middle where there is none."""
    runs = connected_runs(label != 0)
    if not runs.length.size:
        return tuple(length // 2 for length in label.shape)
    own = runs.part == np.bincount(runs.part, weights=runs.length).argmax()
    start, end, length = runs.start[own], runs.end[own], runs.length[own]
    areas = [np.bincount(start[:, axis], weights=length) for axis in range(3)]
    begun, ended = (np.bincount(ends[:, runs.axis], minlength=label.shape[runs.axis] + 1) for ends in (start, end))
    areas[runs.axis] = np.cumsum(begun - ended)
    return tuple(int(area.argmax()) for area in areas)


def _cut(image: NDArray[Any], label: NDArray[Any], sizes: NDArray[np.float64], axis: int, place: int) -> _Plane:
    """Volumes in RAS+ order -> the plane with high indices, right, front or top, at the picture's left and top."""
    picture, outlined = (np.take(volume, place, axis)[::-1, ::-1].T for volume in (image, label))
    column, row = np.delete(sizes, axis)
    return _Plane(picture, outlined, row_mm=float(row), column_mm=float(column))


def _window(planes: Sequence[_Plane]) -> tuple[float, float]:
    """From the background, which resampling may leave a few darker voxels in, to the brighter tissue."""
    pixels = np.concatenate([plane.image.ravel() for plane in planes])
    low = float(np.percentile(pixels, 1))
    brighter = pixels[pixels > low]
    return low, float(np.percentile(brighter, 99.5)) if brighter.size else low + 1


def _crop(plane: _Plane, low: float) -> _Plane:
    """Leave out the dark border, but for a margin."""
    seen = (plane.image > low) | (plane.label != 0)
    if not seen.any():
        return plane
    first, last = np.argwhere(seen).min(axis=0) - _MARGIN_VOXELS, np.argwhere(seen).max(axis=0) + 1 + _MARGIN_VOXELS
    rows, columns = (slice(max(int(a), 0), int(b)) for a, b in zip(first, last, strict=True))
    return replace(plane, image=plane.image[rows, columns], label=plane.label[rows, columns])


def _draw(
    planes: Sequence[_Plane], low: float, high: float, *, names: Mapping[int, str], colours: Mapping[int, str]
) -> Figure:
    widths, height_mm = [plane.width_mm for plane in planes], max(plane.height_mm for plane in planes)
    shown = [value for value in names if any((plane.label == value).any() for plane in planes)]
    height = np.clip(_WIDTH_INCHES * height_mm / sum(widths), *_HEIGHTS_INCHES) + 0.35 + 0.22 * -(-len(shown) // 6)
    layout = ConstrainedLayoutEngine(w_pad=0.05, h_pad=0.1)
    figure = Figure(figsize=(_WIDTH_INCHES, height), dpi=_DPI, facecolor="black", layout=layout)
    for axes, plane, title, sides in zip(
        figure.subplots(1, 3, width_ratios=widths), planes, _TITLES, _SIDES, strict=True
    ):
        _draw_plane(axes, plane, low, high)
        _draw_outlines(axes, plane, {value: colours[value] for value in shown})
        axes.set_ylim((plane.height_mm + height_mm) / 2, (plane.height_mm - height_mm) / 2)  # one scale for all
        axes.set_title(title, color="white", fontsize=10)
        for letter, x, side in zip(sides, (0.02, 0.98), ("left", "right"), strict=True):
            axes.text(x, 0.98, letter, color="white", fontsize=10, ha=side, va="top", transform=axes.transAxes)
    if shown:
        handles = [Line2D([], [], color=colours[value], linewidth=2, label=names[value]) for value in shown]
        figure.legend(
            handles=handles,
            loc="outside lower center",
            ncols=min(len(handles), 6),
            frameon=False,
            labelcolor="white",
            fontsize=9,
        )
    return figure


def _draw_plane(axes: Axes, plane: _Plane, low: float, high: float) -> None:
    extent = (0, plane.width_mm, plane.height_mm, 0)
    axes.imshow(plane.image, cmap="gray", vmin=low, vmax=high, extent=extent, interpolation="hanning")
    axes.set_facecolor("black")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _draw_outlines(axes: Axes, plane: _Plane, colours: Mapping[int, str]) -> None:
    rows, columns = ((np.arange(count) + 0.5) for count in plane.label.shape)
    for value, colour in colours.items():
        mask = plane.label == value
        if mask.any() and min(mask.shape) > 1:
            axes.contour(
                columns * plane.column_mm, rows * plane.row_mm, mask, levels=[_INSET], colors=colour, linewidths=1.3
            )


def _png(figure: Figure) -> bytes:
    """Write with a palette: a third of the size, and no difference that can be seen."""
    drawn, packed = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png")
    with Image.open(drawn) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(packed, format="png", optimize=True)
    return packed.getvalue()
