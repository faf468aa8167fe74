"""The picture has a point at each score's place."""

from pathlib import Path

import numpy as np

from iunet_med.evaluation.metrics_picture import draw_metrics, write_metrics_picture
from iunet_med.evaluation.scores import Score

SCORES = [
    Score(case, name, region, value, value / 2, 1.0, 10 * value)
    for name in ("one", "two")
    for region in ("ET", "WT")
    for case, value in (("a", 0.25), ("b", 0.75))
]


def test_every_score_is_a_point_above_its_region() -> None:
    figure = draw_metrics(SCORES)
    assert [axes.get_title() for axes in figure.axes] == ["Dice", "Sensitivity", "Specificity", "HD95 (mm)"]
    for axes, values in zip(figure.axes, ([0.25, 0.75], [0.125, 0.375], [1, 1], [2.5, 7.5]), strict=True):
        assert [label.get_text() for label in axes.get_xticklabels()] == ["ET", "WT"]
        points = [np.asarray(group.get_offsets()) for group in axes.collections]
        assert [round(float(group[:, 0].mean())) for group in points] == [0, 1, 0, 1]
        for group in points:
            np.testing.assert_allclose(group[:, 1], values)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "two"]


def test_written_file_is_a_picture(tmp_path: Path) -> None:
    write_metrics_picture(tmp_path / "metrics.png", SCORES[:1])
    assert (tmp_path / "metrics.png").read_bytes().startswith(b"\x89PNG")


def test_names_with_dollar_signs_are_plain_text(tmp_path: Path) -> None:
    scores = [Score("a", name, r"$\b{$", 0.5, 0.5, 0.5, 1.0) for name in ("$_$", r"$\bad{$")]
    write_metrics_picture(tmp_path / "metrics.png", scores)
