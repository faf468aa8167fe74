"""The picture shows the right slice, the right way round, undistorted."""

from pathlib import Path

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from monai.data import MetaTensor
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from iunet_med.handlers import SlicePicture
from iunet_med.handlers.slice_picture import draw_slice

SHAPE, SPACING = (20, 16, 12), (1.0, 2.0, 3.0)  # voxels to the right, front and top; mm
RIGHT_FRONT = (15, 11, 7)


def make_case() -> dict[str, MetaTensor]:
    """A brain of noise; two regions about RIGHT_FRONT, the outer one predicted at the patient's left."""
    image = MetaTensor(torch.randn(2, *SHAPE), affine=torch.diag(torch.tensor([*SPACING, 1.0])))
    voxels = np.moveaxis(np.indices(SHAPE), 0, -1)
    distance = torch.from_numpy(np.linalg.norm(voxels - RIGHT_FRONT, axis=-1))
    label = torch.stack([distance < 1.5, distance < 3.2]).float()
    return {"image": image, "label": label, "pred": torch.stack([label[0], label[1].flip(0)])}


def draw(case: dict[str, MetaTensor]) -> Figure:
    return draw_slice(case["image"], case["label"], case["pred"], name="p1", modality="flair", regions=["ET", "WT"])


def outline_centres(figure: Figure, panel: int) -> list[list[float]]:
    """Column and row of each outline's middle, the outer region's first."""
    outlines = [outline.get_paths()[0].vertices for outline in figure.axes[panel].collections]
    return [((line.min(axis=0) + line.max(axis=0)) / 2).tolist() for line in outlines]


def test_the_largest_slice_is_seen_from_the_feet() -> None:
    case = make_case()
    figure = draw(case)
    x, y, z = RIGHT_FRONT
    seen = case["image"][-1, :, :, z].flip(0, 1).T.numpy()
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), seen)
    width_mm, height_mm, _ = SPACING
    left, top = (SHAPE[0] - 0.5 - x) * width_mm, (SHAPE[1] - 0.5 - y) * height_mm
    np.testing.assert_allclose(outline_centres(figure, 1), [[left, top], [left, top]])
    np.testing.assert_allclose(outline_centres(figure, 2), [[(x + 0.5) * width_mm, top], [left, top]])
    assert figure.axes[2].get_xlabel() == "Dice  ET 1.00  WT 0.00"


def test_without_a_label_the_middle_slice_is_shown() -> None:
    case = make_case()
    case["label"][:] = 0
    figure = draw(case)
    seen = case["image"][-1, :, :, SHAPE[2] // 2].flip(0, 1).T.numpy()
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), seen)
    assert outline_centres(figure, 1) == []


def test_voxels_have_their_proportions() -> None:
    figure = draw(make_case())
    FigureCanvasAgg(figure).draw()
    for axes in figure.axes:
        box = axes.get_window_extent()
        assert box.width / box.height == pytest.approx(SHAPE[0] * SPACING[0] / (SHAPE[1] * SPACING[1]))


def test_what_lies_outside_the_head_is_black() -> None:
    case = make_case()
    case["image"][:, :5] = 0
    shown = draw(case).axes[0].images[0]
    assert (shown.to_rgba(shown.get_array())[:, -5:, :3] == 0).all()


def test_a_region_at_the_border_has_a_closed_outline_and_an_empty_one_none() -> None:
    case = make_case()
    case["label"][0], case["label"][1] = 0, 0
    case["label"][1, :, :8, 3] = 1
    (outline,) = draw(case).axes[1].collections
    (line,) = outline.get_paths()
    np.testing.assert_array_equal(line.vertices[0], line.vertices[-1])
    inset = 0.6  # of a pixel, at both sides together
    np.testing.assert_allclose(np.ptp(line.vertices, axis=0), [20 - inset, (8 - inset) * SPACING[1]])


def test_names_with_dollar_signs_are_plain_text(tmp_path: Path) -> None:
    image = MetaTensor(torch.rand(1, 8, 8, 8))
    mask = torch.ones(2, 8, 8, 8)
    figure = draw_slice(image, mask, mask, name=r"$\bad{$", modality="$_$", regions=["$a_{$", r"$\b$"])
    figure.savefig(tmp_path / "picture.png")


def test_each_validation_writes_one_picture_of_its_first_case(tmp_path: Path) -> None:
    first, later = make_case(), {"image": None}
    evaluator = Engine(lambda engine, _batch: [first if engine.state.iteration == 1 else later])
    handler = SlicePicture(str(tmp_path), modalities=["t1", "flair"], regions=["ET", "WT"])
    handler.attach(evaluator)
    for epoch in (2, 4):
        evaluator.state.max_epochs, evaluator.state.epoch, evaluator.state.iteration = epoch, epoch - 1, 0
        evaluator.state.epoch_length = 2
        evaluator.run([[{"case": "p1"}], [{"case": "p2"}]])
    handler.close()
    events = EventAccumulator(str(tmp_path)).Reload()
    pictures = events.Images("validation")
    assert [picture.step for picture in pictures] == [2, 4]
    assert {picture.encoded_image_string[:4] for picture in pictures} == {b"\x89PNG"}
