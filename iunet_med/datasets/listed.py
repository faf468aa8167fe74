"""Items that other programs list, such as MONAI Label, become checked cases before anything trains on them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iunet_med.datasets.case_names import name_cases
from iunet_med.datasets.cases import check_cases
from iunet_med.datasets.layouts import Case, Layout
from iunet_med.datasets.named_layout import NamedLayout
from iunet_med.datasets.problems import DatasetError, Problem
from iunet_med.datasets.selection import Found
from iunet_med.datasets.siblings import LABEL_REGIONS, find_study

_ITEMS = Path("the items")


@dataclass(frozen=True)
class CheckItems:
    """A function of the items of a data set, which checks those that `list_cases` has not.

    Args:
        layout, spacing, reach, zero_background, empty_labels: as in `list_cases`.
    """

    layout: Layout
    spacing: Sequence[float] = (1.0, 1.0, 1.0)
    reach: Sequence[int] = (1, 1, 1)
    zero_background: bool = False
    empty_labels: bool = False

    def __call__(self, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return the items with names, and those without `modalities` as checked cases.

        Raises:
            DatasetError: names every item that cannot be used and why, all at once.
        """
        named = name_cases(items)
        checked = {case["case"]: case for case in self.check([item for item in named if "modalities" not in item])}
        return [checked.get(item["case"], item) for item in named]

    def check(self, items: Sequence[Mapping[str, Any]]) -> list[Case]:
        """Return the items as cases, after checking each, also those with `modalities`; errors as above."""
        cases, problems = [], []
        for item in name_cases(items):
            try:
                cases.append(item if "modalities" in item else self._case(item))
            except ValueError as error:
                problems.append(Problem(item["case"], str(error)))
        return self._checked(cases, problems)

    def _case(self, item: Mapping[str, Any]) -> Case:
        study = find_study(item["image"], self.layout)
        paths = [str(path) for path in study.paths]
        image = paths if len(paths) > 1 else paths[0]
        regions = {} if study.regions is None else {LABEL_REGIONS: json.dumps(study.regions)}
        return {**item, **regions, "image": image, "modalities": list(study.modalities)}

    def _checked(self, cases: Sequence[Case], problems: list[Problem]) -> list[Case]:
        done: list[Case] = []
        for text in {case.get(LABEL_REGIONS) for case in cases}:
            regions = json.loads(text) if text else self.layout.regions
            own = NamedLayout(modalities=dict.fromkeys(self.layout.modalities, ""), regions=regions)
            some = Found(_ITEMS, [case for case in cases if case.get(LABEL_REGIONS) == text], [], unpacked=False)
            try:
                done += check_cases(
                    some,
                    own,
                    spacing=self.spacing,
                    reach=self.reach,
                    zero_background=self.zero_background,
                    empty_labels=self.empty_labels,
                )
            except DatasetError as error:
                problems += error.problems
        if problems:
            raise DatasetError(_ITEMS, problems)
        return done
