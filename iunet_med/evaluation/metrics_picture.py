"""One picture of all scores: a panel per metric, a box per region and prediction, a point per case."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from iunet_med.evaluation.scores import Score
from iunet_med.evaluation.summary import METRICS
from iunet_med.files import replacing

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
"""Told apart by colour-blind readers. Source: Okabe and Ito 2008, https://jfly.uni-koeln.de/color/."""
_TITLES = {"dice": "Dice", "sensitivity": "Sensitivity", "specificity": "Specificity", "hd95_mm": "HD95 (mm)"}


@rc_context({"text.parse_math": False})  # names are plain text, also with dollar signs
def draw_metrics(scores: Sequence[Score]) -> Figure:
    """Draw the panels Dice, sensitivity, specificity and HD95; regions are on the horizontal axis."""
    figure = Figure(figsize=(3.2 * len(METRICS), 3.6), dpi=100, layout="constrained")
    predictions = list(dict.fromkeys(score.prediction for score in scores))
    for axes, metric in zip(figure.subplots(1, len(METRICS)), METRICS, strict=True):
        _draw_metric(axes, scores, metric, predictions)
    if len(predictions) > 1:
        handles = [
            Line2D([], [], color=_colour(place), marker="o", label=name) for place, name in enumerate(predictions)
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    return figure


def write_metrics_picture(path: Path, scores: Sequence[Score]) -> None:
    """Save `draw_metrics` as PNG."""
    with replacing(path) as temporary:
        draw_metrics(scores).savefig(temporary, format="png")


def _draw_metric(axes: Axes, scores: Sequence[Score], metric: str, predictions: Sequence[str]) -> None:
    regions = list(dict.fromkeys(score.region for score in scores))
    width = 0.7 / len(predictions)
    for place, prediction in enumerate(predictions):
        for column, region in enumerate(regions):
            values = [
                getattr(score, metric) for score in scores if (score.prediction, score.region) == (prediction, region)
            ]
            centre = column + (place - (len(predictions) - 1) / 2) * width
            line = {"color": _colour(place)}
            axes.boxplot(
                values,
                positions=[centre],
                widths=width * 0.8,
                showfliers=False,
                boxprops=line,
                whiskerprops=line,
                capprops=line,
                medianprops={**line, "linewidth": 2},
            )
            spread = np.linspace(-0.2, 0.2, len(values)) * width if len(values) > 1 else np.zeros(1)
            axes.scatter(centre + spread, values, s=14, alpha=0.6, linewidths=0, zorder=3, color=_colour(place))
    axes.set_xticks(range(len(regions)), regions)
    axes.set_title(_TITLES[metric])
    axes.grid(axis="y", alpha=0.3)
    if metric == "hd95_mm":
        axes.set_ylim(bottom=0)
    elif metric != "specificity":  # nearly all voxels are background, so specificity keeps its own range
        axes.set_ylim(-0.03, 1.03)
    else:
        axes.ticklabel_format(axis="y", useOffset=False)


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]
