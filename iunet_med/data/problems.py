"""What is wrong with a data set, told for all of its cases at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One fault of one case: what came, what is needed, and the cure."""

    case: str
    came: str
    needed: str
    cure: str

    def __str__(self) -> str:
        return f"{self.case}: {self.came}; needed: {self.needed}; cure: {self.cure}"


class DatasetError(ValueError):
    """A data set that cannot be used as it is. `problems` holds every fault that was found."""

    def __init__(self, root: str | Path, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        cases = len({problem.case for problem in problems})
        found = f"{len(problems)} problem{'s' * (len(problems) != 1)} in {cases} case{'s' * (cases != 1)}"
        super().__init__("\n  ".join([f"{root} cannot be used, {found}:", *map(str, problems)]))
