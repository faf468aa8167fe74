"""A picture per validation: truth and prediction outlined on the slice with the most labelled voxels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from monai.data import MetaTensor
from monai.handlers.tensorboard_handlers import TensorBoardHandler
from monai.metrics import compute_dice
from numpy.typing import NDArray

from iunet_med.files import readable
from iunet_med.pictures.colours import nested_styles
from iunet_med.pictures.slices import draw_outline, mark_sides, radiological, show_slice

_PANEL_INCHES = 4.0
_TEXT_INCHES = 0.9


class SlicePicture(TensorBoardHandler):  # type: ignore[misc]
    """Draws the first case of each validation to TensorBoard, under the tag "validation".

    Three panels show the last modality: as it is, with the truth outlined and with the prediction outlined. The slice
    is the axial one with the most labelled voxels in the truth, or the middle one where there are none, in
    radiological orientation: seen from the feet, the patient's right (R) at the left, the front at the top.

    Attached to a MONAI evaluator whose batches are decollated: `image` (modalities, X, Y, Z) with axes to the right,
    front and top (RAS+), `label` and `pred` (regions, X, Y, Z), of zeros and ones.

    Args:
        log_dir: the folder of the TensorBoard files.
        modalities: names of the image's channels.
        regions: names of the regions, from the innermost to the outermost.
    """

    def __init__(self, log_dir: str, *, modalities: Sequence[str], regions: Sequence[str]) -> None:
        super().__init__(log_dir=log_dir)
        self.modalities = modalities
        self.regions = regions

    def attach(self, engine: Engine) -> None:
        """Add the handler to an evaluator."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Draw the case if it is the first of the validation."""
        if engine.state.iteration > 1:
            return
        case, name = engine.state.output[0], str(engine.state.batch[0].get("case", ""))
        figure = draw_slice(
            case["image"], case["label"], case["pred"], name=name, modality=self.modalities[-1], regions=self.regions
        )
        self._writer.add_figure("validation", figure, engine.state.epoch, close=False)
        self._writer.flush()


@rc_context({"text.parse_math": False})  # names are plain text, also with dollar signs
def draw_slice(
    image: MetaTensor,
    truth: torch.Tensor,
    prediction: torch.Tensor,
    *,
    name: str,
    modality: str,
    regions: Sequence[str],
) -> Figure:
    """Draw image, truth and prediction as in `SlicePicture`; tensors (channels, X, Y, Z), voxel sizes of the image."""
    masks = [tensor.detach().cpu().numpy() > 0.5 for tensor in (truth, prediction)]
    areas = masks[0].any(axis=0).sum(axis=(0, 1))
    level = int(np.argmax(areas)) if areas.any() else len(areas) // 2
    picture = radiological(image[-1, ..., level].detach().cpu().numpy())
    width_mm, height_mm = (float(length) for length in image.pixdim[:2])
    pixel_mm = (height_mm, width_mm)
    panel_inches = _PANEL_INCHES * picture.shape[0] * height_mm / (picture.shape[1] * width_mm)
    figure = Figure((3 * _PANEL_INCHES, panel_inches + _TEXT_INCHES), dpi=100, facecolor="black", layout="constrained")
    panels = figure.subplots(1, 3)
    for axes, title in zip(panels, (modality, "truth", "prediction"), strict=True):
        _show(axes, picture, pixel_mm)
        axes.set_title(title, color="white")
    styles = nested_styles(regions)
    for axes, mask in zip(panels[1:], masks, strict=True):
        for region, style in reversed([*zip(mask, styles.values(), strict=True)]):
            draw_outline(axes, radiological(region[..., level]), pixel_mm=pixel_mm, **style)
    mark_sides(panels[0])
    panels[0].set_xlabel(readable(name), color="white")
    panels[2].set_xlabel(f"Dice  {_dice(regions, *masks)}", color="white")
    handles = [Line2D([], [], **style, label=region) for region, style in styles.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, labelcolor="white")
    return figure


def _show(axes: Axes, picture: NDArray[Any], pixel_mm: tuple[float, float]) -> None:
    inside = picture[picture != 0]
    darkest, brightest = np.percentile(inside, [0.5, 99.5]) if inside.size else (0.0, 1.0)
    # Voxels of exactly zero lie outside the head; a normalised image is darker than zero in places.
    shown = np.where(picture == 0, darkest, picture)
    show_slice(axes, shown, pixel_mm=pixel_mm, window=(darkest, brightest))


def _dice(regions: Sequence[str], truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> str:
    """Dice of the whole volume; a region that is empty in both has 1."""
    scores = compute_dice(*(torch.from_numpy(masks)[None] for masks in (prediction, truth)), ignore_empty=False)[0]
    return "  ".join(f"{region} {score:.2f}" for region, score in zip(regions, scores.tolist(), strict=True))
