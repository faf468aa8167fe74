"""The picture shows each outline where its region is, in the region's colour."""

import shutil
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread

from iunet_med.evaluation.cases_picture import (
    PictureCase,
    draw_overview,
    read_picture_case,
    write_overview,
)
from iunet_med.pictures.colours import COLOURS

REGIONS = {"TC": (1,), "WT": (1, 2)}


def case() -> PictureCase:
    """A head (40 x 40 x 3) with a tumour at the patient's right and front in slice 1; an empty prediction."""
    image = np.ones((40, 40, 3))
    truth = np.zeros(image.shape, dtype=np.uint8)
    truth[28:36, 26:36, 1] = 2
    truth[30:34, 28:34, 1] = 1
    return PictureCase(
        name="case_0",
        images={"t1": image, "flair": image},
        truth=truth,
        prediction=np.zeros_like(truth),
        spacing_mm=(1, 1, 1),
    )


def panel(figure: Figure, axes: Axes) -> np.ndarray:
    """The panel's pixels, RGB in 0..1, row 0 at the top."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3] / 255
    box = axes.get_window_extent()
    height = len(pixels)
    return pixels[height - int(box.y1) : height - int(box.y0), int(box.x0) : int(box.x1)]


def painted(pixels: np.ndarray, colour: str) -> np.ndarray:
    return np.abs(pixels - to_rgb(colour)).max(axis=-1) < 0.1


def test_outlines_lie_where_the_regions_are() -> None:
    figure = draw_overview([case()], regions=REGIONS)
    t1, flair, truth, prediction = figure.axes
    for colour, box in zip(COLOURS, ((6, 10, 6, 12), (4, 12, 4, 14)), strict=False):
        drawn = painted(panel(figure, truth), colour)
        rows, columns = np.nonzero(drawn)
        scale = drawn.shape[0] / 40
        # Radiological: the patient's right is at the left, the front at the top.
        left, right, top, bottom = box
        np.testing.assert_allclose([columns.min() / scale, columns.max() / scale], [left, right], atol=0.75)
        np.testing.assert_allclose([rows.min() / scale, rows.max() / scale], [top, bottom], atol=0.75)
        for empty in (t1, flair, prediction):
            assert not painted(panel(figure, empty), colour).any()


def test_columns_dice_and_sides_are_named() -> None:
    first, *_, last = (figure := draw_overview([case()], regions=REGIONS)).axes
    assert [axes.get_title() for axes in figure.axes] == ["t1", "flair", "truth", "prediction"]
    assert last.get_xlabel() == "Dice TC 0.00  WT 0.00"
    assert [(text.get_text(), text.get_position()[0] < 0.5) for text in first.texts] == [("R", True), ("L", False)]


def test_names_with_dollar_signs_are_plain_text(tmp_path: Path) -> None:
    named = replace(case(), name=r"$\bad{$", images={r"$\b{$": case().images["flair"]})
    write_overview(tmp_path / "picture.png", [named], regions={"$a_{$": (1,), "$_$": (2,)})


def test_voxels_keep_their_aspect() -> None:
    wide = PictureCase(**{**vars(case()), "spacing_mm": (1.0, 2.0, 5.0)})
    figure = draw_overview([wide], regions=REGIONS)
    height, width, _ = panel(figure, figure.axes[0]).shape
    np.testing.assert_allclose(height / width, 2, rtol=0.05)


def test_written_picture_is_the_drawn_one(tmp_path: Path) -> None:
    write_overview(tmp_path / "new" / "overview.png", [case()], regions=REGIONS)
    assert painted(imread(tmp_path / "new" / "overview.png")[..., :3], COLOURS[1]).any()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["overview.png"]


def test_case_is_read_from_files_in_any_order_of_axes(tmp_path: Path) -> None:
    expected = case()
    volumes = {**expected.images, "case_0": expected.truth}
    for name, volume in volumes.items():
        image = nib.Nifti1Image(volume.astype(np.uint8), np.diag([1, 2, 3, 1]))
        nib.save(image.as_reoriented(np.array([[1, -1], [0, -1], [2, 1]])), tmp_path / f"{name}.nii.gz")
    paths = {name: str(tmp_path / f"{name}.nii.gz") for name in volumes}
    (tmp_path / "results").mkdir()
    shutil.copy(paths["case_0"], tmp_path / "results")
    item = {"case": "case_0", "modalities": ["t1", "flair"], "image": [paths["t1"], paths["flair"]]}
    read = read_picture_case({**item, "label": paths["case_0"]}, tmp_path / "results")
    assert (read.name, read.spacing_mm, list(read.images)) == ("case_0", (1, 2, 3), ["t1", "flair"])
    np.testing.assert_array_equal(read.truth, expected.truth)
    np.testing.assert_array_equal(read.prediction, expected.truth)
    np.testing.assert_array_equal(read.images["t1"], expected.images["t1"])


def test_ct_is_shown_in_a_soft_tissue_window_and_cut_to_the_body() -> None:
    ct = np.full((40, 40, 6), -1000.0)
    ct[10:30, 12:28] = 40
    label = np.zeros(ct.shape, np.uint8)
    label[15:20, 15:20, 3] = 1
    case = PictureCase(name="a", images={"ct": ct}, truth=label, prediction=label, spacing_mm=(2.0, 2.0, 2.0))
    regions = {f"organ_{number}": [number] for number in range(1, 9)}
    figure = draw_overview([case], regions=regions)
    images = [axes.images[0] for axes in figure.axes]
    assert [image.get_clim() for image in images] == [(-160.0, 240.0)] * 3
    assert images[0].get_array().shape == (16 + 6, 20 + 6), "the body and a margin"
    assert figure.axes[2].get_xlabel().count("\n") == 2, "three scores a line"
