"""What a survey found in a data set, as tables to print."""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

import nibabel as nib
from nibabel.affines import voxel_sizes
from rich.markup import escape
from rich.table import Table

from iunet_med.datasets.layouts import Layout
from iunet_med.datasets.problems import Problem
from iunet_med.datasets.survey import CaseSurvey
from iunet_med.files import readable
from iunet_med.volumes.grid import Grid


def survey_table(surveys: Sequence[CaseSurvey], layout: Layout) -> Table:
    """Tell how many cases and patients there are, and which modalities, spacings, orientations and shapes."""
    grids = [survey.grid for survey in surveys if survey.grid is not None]
    table = Table(title="data set", title_justify="left", show_header=False)
    table.add_row("cases", str(len(surveys)))
    table.add_row("patients", str(len({survey.case["patient"] for survey in surveys})))
    table.add_row("modalities", escape(", ".join(layout.modalities)))
    table.add_row("spacing (mm)", _counted(_spacing(grid) for grid in grids))
    table.add_row("orientation", _counted("".join(nib.aff2axcodes(grid.affine)) for grid in grids))
    table.add_row("shape (voxels)", _counted(" x ".join(map(str, grid.shape[:3])) for grid in grids))
    return table


def label_table(surveys: Sequence[CaseSurvey], layout: Layout) -> Table:
    """Tell for each label value which regions count it, how many cases have it, and its volumes in ml."""
    table = Table(title="labels", title_justify="left")
    for heading in ("value", "regions", "cases", "smallest (ml)", "median (ml)", "largest (ml)"):
        table.add_column(heading, justify="left" if heading == "regions" else "right")
    known = set().union(*layout.regions.values())
    for value in sorted(known | {value for survey in surveys for value in survey.volumes_ml}):
        volumes = [survey.volumes_ml[value] for survey in surveys if value in survey.volumes_ml]
        regions = ", ".join(name for name, values in layout.regions.items() if value in values) or "none"
        spread = [f"{figure(volumes):.2f}" for figure in (min, median, max)] if volumes else ["-"] * 3
        table.add_row(f"{value:g}", escape(regions), str(len(volumes)), *spread)
    return table


def problem_table(problems: Sequence[Problem]) -> Table:
    """Tell what is wrong with which case, sorted by name."""
    table = Table(title="problems", title_justify="left", show_lines=True)
    for heading in ("case", "found", "expected", "what to do"):
        table.add_column(heading, overflow="fold")
    for problem in sorted(problems, key=lambda problem: problem.case):
        texts = (problem.case, problem.found, problem.expected, problem.cure)
        table.add_row(*(escape(readable(text)) for text in texts))
    return table


def _spacing(grid: Grid) -> str:
    return " x ".join(f"{size:.4g}" for size in voxel_sizes(grid.affine))


def _counted(values: Iterable[str]) -> str:
    """List values, the most frequent first, with the number of cases if there are several."""
    counts = Counter(values).most_common()
    if len(counts) == 1:
        return counts[0][0]
    more = [f"and {len(counts) - 8} more"] if len(counts) > 8 else []
    return ", ".join([f"{value} ({count})" for value, count in counts[:8]] + more)
