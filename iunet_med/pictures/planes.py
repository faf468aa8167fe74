"""A picture of a segmentation: the input with the regions' outlines, in three planes through the largest part."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from nibabel.affines import voxel_sizes
from nibabel.orientations import apply_orientation, io_orientation
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from iunet_med.checks.connected_parts import connected_runs
from iunet_med.datasets.layouts import Regions
from iunet_med.pictures.slices import draw_outline, mark_sides, show_slice

_WIDTH_INCHES, _DPI = 9.0, 100
_HEIGHTS_INCHES = (2.4, 5.2)
_MARGIN_VOXELS = 3
_LEGEND_COLUMNS = 6
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
    def pixel_mm(self) -> tuple[float, float]:
        return self.row_mm, self.column_mm

    @property
    def width_mm(self) -> float:
        return float(self.image.shape[1] * self.column_mm)

    @property
    def height_mm(self) -> float:
        return float(self.image.shape[0] * self.row_mm)


@dataclass(frozen=True)
class _Row:
    """The three planes of one modality, its black and white, and what is outlined on it."""

    modality: str
    planes: Sequence[_Plane]
    window: tuple[float, float]
    regions: Regions


def lesion_planes(
    images: Mapping[str, NDArray[Any]],
    label: NDArray[Any],
    affine: ArrayLike,
    *,
    outlined: Mapping[str, Regions],
    colours: Mapping[str, str],
    window: tuple[float, float] | None = None,
) -> bytes:
    """Draw an axial, a coronal and a sagittal plane of each modality on one scale as a PNG 900 pixels wide.

    Each plane is the one of the largest connected part of all labels together in which the sections of the regions are
    largest, or the middle one where nothing is labelled. Axial and coronal show the patient's right at the left,
    sagittal the front at the left. Oblique volumes are shown along their own axes. The name of each row's modality is
    at its left.

    Args:
        images: for each modality that is shown, in the order of the rows, (X, Y, Z).
        label: label map (X, Y, Z) on the same grid.
        affine: voxel index to RAS+ mm, (4, 4).
        outlined: for each of these modalities the regions outlined on it, with their label values.
        colours: the colour of each region, such as from `label_colours`.
        window: intensities drawn black and white, such as (-160, 240) HU; else from the first percentile of the
            planes, which is the background, to the 99.5th percentile of what is brighter.

    Raises:
        ValueError: image and label differ in shape or are not three-dimensional.
    """
    for image in images.values():
        if image.ndim != 3 or image.shape != label.shape:
            raise ValueError(
                f"the image has shape {image.shape} and the label map {label.shape}; expected one grid (X, Y, Z); give "
                "channels of the image, and the label map that was made of it."
            )
    orientation = io_orientation(np.asarray(affine, np.float64))
    sizes = voxel_sizes(np.asarray(affine, np.float64))[np.argsort(orientation[:, 0])]
    label = apply_orientation(label, orientation)
    places = _position(label, [values for regions in outlined.values() for values in regions.values()])
    rows = []
    for modality, image in images.items():
        turned = apply_orientation(image, orientation)
        planes = [_cut(turned, label, sizes, axis, places[axis]) for axis in (2, 1, 0)]
        rows.append(_Row(modality, planes, window or _window(planes), outlined[modality]))
    return _png(_draw(_crop(rows), colours=colours))


def _position(label: NDArray[Any], regions: Iterable[Sequence[int]]) -> tuple[int, ...]:
    """Per axis the index where the sections of all regions, each relative to its largest, are largest together.

    Only the largest connected part of all labels counts; the middle is taken where there is none.
    """
    runs = connected_runs(label != 0)
    if not runs.length.size:
        return tuple(length // 2 for length in label.shape)
    own = runs.part == np.bincount(runs.part, weights=runs.length).argmax()
    first, last = runs.start[own].min(axis=0), runs.end[own].max(axis=0)
    part = label[tuple(slice(low, high) for low, high in zip(first, last, strict=True))]
    seen = [np.zeros(length) for length in part.shape]
    for values in regions:
        mask = np.isin(part, list(values))
        for axis, sums in enumerate(seen) if mask.any() else ():
            areas = mask.sum(axis=tuple({0, 1, 2} - {axis}))
            sums += areas / areas.max()
    return tuple(int(low + sums.argmax()) for low, sums in zip(first, seen, strict=True))


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


def _crop(rows: Sequence[_Row]) -> list[_Row]:
    """Leave out the border that is dark in all modalities, but for a margin."""
    boxes = [
        _seen(planes, [row.window[0] for row in rows]) for planes in zip(*(row.planes for row in rows), strict=True)
    ]
    return [
        replace(
            row,
            planes=[
                replace(plane, image=plane.image[box], label=plane.label[box])
                for plane, box in zip(row.planes, boxes, strict=True)
            ],
        )
        for row in rows
    ]


def _seen(planes: Sequence[_Plane], lows: Sequence[float]) -> tuple[slice, slice]:
    """The rows and columns of one plane in which some modality is brighter than its black, or a label lies."""
    seen = planes[0].label != 0
    for plane, low in zip(planes, lows, strict=True):
        seen = seen | (plane.image > low)
    if not seen.any():
        return slice(None), slice(None)
    first, last = np.argwhere(seen).min(axis=0) - _MARGIN_VOXELS, np.argwhere(seen).max(axis=0) + 1 + _MARGIN_VOXELS
    rows, columns = (slice(max(int(a), 0), int(b)) for a, b in zip(first, last, strict=True))
    return rows, columns


@rc_context({"text.parse_math": False})  # names are plain text, also with dollar signs
def _draw(rows: Sequence[_Row], *, colours: Mapping[str, str]) -> Figure:
    widths, height_mm = [p.width_mm for p in rows[0].planes], max(p.height_mm for p in rows[0].planes)
    handles = [handle for row in rows for handle in _handles(row, colours, several=len(rows) > 1)]
    row_inches = float(np.clip(_WIDTH_INCHES * height_mm / sum(widths), *_HEIGHTS_INCHES))
    height = row_inches * len(rows) + 0.35 + 0.22 * -(-len(handles) // _LEGEND_COLUMNS)
    layout = ConstrainedLayoutEngine(w_pad=0.05, h_pad=0.1 if len(rows) == 1 else 0.03)
    figure = Figure(figsize=(_WIDTH_INCHES, height), dpi=_DPI, facecolor="black", layout=layout)
    panels = figure.subplots(len(rows), 3, width_ratios=widths, squeeze=False)
    for row, drawn in zip(rows, panels, strict=True):
        for axes, plane, sides in zip(drawn, row.planes, _SIDES, strict=True):
            show_slice(axes, plane.image, pixel_mm=plane.pixel_mm, window=row.window, interpolation="hanning")
            _draw_outlines(axes, plane, row.regions, colours)
            axes.set_ylim((plane.height_mm + height_mm) / 2, (plane.height_mm - height_mm) / 2)  # one scale for all
            mark_sides(axes, *sides)
        drawn[0].set_ylabel(row.modality, color="white", fontsize=11)
    for axes, title in zip(panels[0], _TITLES, strict=True):
        axes.set_title(title, color="white", fontsize=10)
    if handles:
        legend = {"loc": "outside lower center", "ncols": min(len(handles), _LEGEND_COLUMNS), "frameon": False}
        figure.legend(handles=handles, labelcolor="white", fontsize=9, **legend)
    return figure


def _handles(row: _Row, colours: Mapping[str, str], *, several: bool) -> list[Line2D]:
    """The legend's lines of the regions that a row shows; with several rows they say on which one."""
    return [
        Line2D([], [], color=colours[name], linewidth=2, label=f"{name} on {row.modality}" if several else name)
        for name, values in row.regions.items()
        if any(np.isin(plane.label, list(values)).any() for plane in row.planes)
    ]


def _draw_outlines(axes: Axes, plane: _Plane, regions: Regions, colours: Mapping[str, str]) -> None:
    """Draw a region that holds another one first and thicker, so that both show where their borders are one."""
    holding = {name for name, values in regions.items() if any(set(v) < set(values) for v in regions.values())}
    for name in sorted(regions, key=lambda name: -len(regions[name])):
        mask = np.isin(plane.label, list(regions[name]))
        width = 2.4 if name in holding else 1.4
        draw_outline(axes, mask, pixel_mm=plane.pixel_mm, color=colours[name], linewidth=width)


def _png(figure: Figure) -> bytes:
    """Write with a palette: a third of the size, and no difference that can be seen."""
    drawn, packed = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png")
    with Image.open(drawn) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(packed, format="png", optimize=True)
    return packed.getvalue()
