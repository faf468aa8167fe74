"""What is wrong with a data set, told for all of its cases at once."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType


@dataclass(frozen=True)
class Problem:
    """One fault of one case: what was found, what was expected, and the cure; `found` alone where it says all three."""

    case: str
    found: str
    expected: str = ""
    cure: str = ""

    def __str__(self) -> str:
        expected = f"expected {self.expected}" if self.expected else ""
        return "; ".join([f"{self.case}: {self.found}", *filter(None, (expected, self.cure))])


def say_which(name: str, modalities: Iterable[str]) -> str:
    """Say in two sentences what to type where names do not tell which file is a modality."""
    return (
        f"say which file it is by `iunet-med segment FOLDER --map {name}='PATTERN'`, for training by a layout of your "
        f"own. Or give a CSV list headed {','.join(['case', *modalities])} in place of the folder; "
        "`iunet-med segment FOLDER --list` prints one to fill in. What does not exist can be left out by "
        f"`iunet-med segment FOLDER --allow-missing {name}`"
    )


class DatasetError(ValueError):
    """A data set that cannot be used as it is. `problems` holds every fault that was found."""

    def __init__(self, root: str | Path, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        cases = len({problem.case for problem in problems})
        found = f"{len(problems)} problem{'s' * (len(problems) != 1)} in {cases} case{'s' * (cases != 1)}"
        super().__init__("\n  ".join([f"{root} cannot be used, {found}:", *map(str, problems)]))


def first_cause(error: BaseException) -> BaseException:
    """The error that tells what is wrong: MONAI wraps each in a chain of RuntimeErrors of its own."""
    while not isinstance(error, ValueError | OSError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def plain_errors() -> None:
    """Let an uncaught error end with the words that matter: MONAI wraps each in a chain of its own.

    Of a `DatasetError` only its message is shown, of another error its first cause once more below the traceback.
    Replaces `sys.excepthook`, so it is for programs to call, such as a bundle's `initialize`.
    """
    default = sys.excepthook

    def show(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        cause = first_cause(error)
        if not isinstance(cause, DatasetError):
            default(kind, error, traceback)
        if cause is not error:
            sys.stderr.write(f"\n{type(cause).__name__}: {cause}\n")

    sys.excepthook = show
