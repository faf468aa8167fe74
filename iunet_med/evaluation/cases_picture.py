"""One picture of several cases: an axial slice of each modality, then truth and prediction as coloured outlines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from iunet_med.datasets.layouts import Case, Regions
from iunet_med.evaluation.dice import region_dice, region_masks
from iunet_med.evaluation.predictions import find_prediction
from iunet_med.evaluation.volumes import label_file, read_images, read_label_maps, spacing_in_ras
from iunet_med.files import readable, replacing
from iunet_med.pictures.colours import nested_styles
from iunet_med.pictures.slices import draw_outline, mark_sides, radiological, show_slice

_PANEL_INCHES = 1.8
_LEAST_WIDTH_INCHES = 7.5
_MARGIN_VOXELS = 3
_SCORES_PER_LINE, _NAMES_PER_LINE = 3, 5
_AIR_HU, _BODY_HU = -800.0, -500.0
"""What is below the first somewhere is CT; of it the body lies above the second."""
_SOFT_TISSUE_HU = (-160.0, 240.0)


@dataclass(frozen=True)
class PictureCase:
    """One row; its volumes are (X, Y, Z) on one grid whose axes point to the patient's right, front and top (RAS+)."""

    name: str
    images: Mapping[str, NDArray[Any]]  # modality -> intensities, zero outside the head, or HU
    truth: NDArray[Any]
    prediction: NDArray[Any]
    spacing_mm: tuple[float, float, float]


def read_picture_case(case: Case, predictions: Path) -> PictureCase:
    """Read a labelled case and its prediction in the folder `predictions`; errors as in `score_case`."""
    name, truth = case["case"], label_file(case)
    maps = read_label_maps(case, {"prediction": find_prediction(predictions, case)}, case=name)
    return PictureCase(name=name, images=read_images(case), spacing_mm=spacing_in_ras(truth), **maps)


@rc_context({"text.parse_math": False})  # names are plain text, also with dollar signs
def draw_overview(cases: Sequence[PictureCase], *, regions: Regions) -> Figure:
    """Rows are cases; columns are the modalities, then truth and prediction outlined on the last modality.

    The slice is the axial one with the largest labelled area in the truth, cut to the head or body, in radiological
    orientation: seen from the feet, the patient's right (R) at the left, the front at the top. `regions` go from
    innermost to outermost; all cases have the same modalities.
    """
    columns = [*cases[0].images, "truth", "prediction"]
    panel = max(_PANEL_INCHES, _LEAST_WIDTH_INCHES / len(columns))
    lines = (-(-len(regions) // _SCORES_PER_LINE) - 1) * 0.15 * len(cases) + -(-len(regions) // _NAMES_PER_LINE) * 0.25
    size = (panel * len(columns), panel * 1.2 * len(cases) + lines + 0.3)
    figure = Figure(figsize=size, dpi=100, facecolor="black", layout="constrained")
    panels = figure.subplots(len(cases), len(columns), squeeze=False)
    for row, case in zip(panels, cases, strict=True):
        _draw_case(row, case, regions)
    for axes, title in zip(panels[0], columns, strict=True):
        axes.set_title(title, color="white", fontsize=11)
    handles = [Line2D([], [], **style, label=name) for name, style in nested_styles(list(regions)).items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=_NAMES_PER_LINE, frameon=False, labelcolor="white")
    return figure


def write_overview(path: Path, cases: Sequence[PictureCase], *, regions: Regions) -> None:
    """Save `draw_overview` as PNG."""
    with replacing(path) as temporary:
        draw_overview(cases, regions=regions).savefig(temporary, format="png")


def _draw_case(row: NDArray[Any], case: PictureCase, regions: Regions) -> None:
    level = int(np.argmax((case.truth > 0).sum(axis=(0, 1))))
    box = _head_box(case.images)
    pixel_mm = (case.spacing_mm[1], case.spacing_mm[0])
    pictures = [radiological(volume[box][..., level]) for volume in case.images.values()]
    windows = [_window(volume, picture) for volume, picture in zip(case.images.values(), pictures, strict=True)]
    shown = zip([*pictures, pictures[-1], pictures[-1]], [*windows, windows[-1], windows[-1]], strict=True)
    for axes, (picture, window) in zip(row, shown, strict=True):
        show_slice(axes, picture, pixel_mm=pixel_mm, window=window)
    styles = nested_styles(list(regions)).values()
    for axes, labels in zip(row[len(pictures) :], (case.truth, case.prediction), strict=True):
        masks = region_masks(radiological(labels[box][..., level]), regions)
        for mask, style in reversed([*zip(masks, styles, strict=True)]):
            draw_outline(axes, mask, pixel_mm=pixel_mm, **style)
    mark_sides(row[0], fontsize=9)
    row[0].set_ylabel(readable(case.name), color="white", fontsize=9)
    scores = region_dice(case.prediction, case.truth, regions=regions)
    told = [f"{readable(name)} {score:.2f}" for name, score in scores.items()]
    lines = [told[start : start + _SCORES_PER_LINE] for start in range(0, len(told), _SCORES_PER_LINE)]
    row[-1].set_xlabel("Dice " + "\n".join("  ".join(line) for line in lines), color="white", fontsize=7.5)


def _window(volume: NDArray[Any], picture: NDArray[Any]) -> tuple[float, float]:
    """What is drawn black and white: soft tissue of CT, else zero and nearly the brightest."""
    if volume.min() < _AIR_HU:
        return _SOFT_TISSUE_HU
    inside = picture[picture > 0]
    return 0.0, float(np.percentile(inside, 99.5)) if inside.size else 1.0


def _head_box(images: Mapping[str, NDArray[Any]]) -> tuple[slice, slice]:
    """The in-plane box of the head or body, with a margin; everything where there is none."""
    outside = {name: _BODY_HU if volume.min() < _AIR_HU else 0.0 for name, volume in images.items()}
    shadow = np.any([(volume > outside[name]).any(axis=2) for name, volume in images.items()], axis=0)
    if not shadow.any():
        return slice(None), slice(None)
    low, high = np.argwhere(shadow).min(axis=0), np.argwhere(shadow).max(axis=0) + 1
    x, y = (slice(max(int(a) - _MARGIN_VOXELS, 0), int(b) + _MARGIN_VOXELS) for a, b in zip(low, high, strict=True))
    return x, y
