"""One thing that a check found in an input or a result."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """What came, what is needed and the cure.

    Args:
        level: a warning lets the case go on; a refusal does not.
        check: a short name of the check, such as "constant-image"; the same for every case it is found in.
        message: plain text for the user.
    """

    level: Literal["warning", "refusal"]
    check: str
    message: str


def warning(check: str, message: str) -> Finding:
    """Make a finding that lets the case go on."""
    return Finding("warning", check, message)


def refusal(check: str, message: str) -> Finding:
    """Make a finding that stops the case."""
    return Finding("refusal", check, message)
