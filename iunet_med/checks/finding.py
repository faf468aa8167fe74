"""One thing that a check found in an input or a result."""

from collections.abc import Sequence
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


class RefusedError(ValueError):
    """A case or a file that its checks refuse; `findings` says why."""

    def __init__(self, findings: Sequence[Finding], *, name: str = "") -> None:
        self.findings = tuple(findings)
        refusals = "; ".join(finding.message for finding in findings if finding.level == "refusal")
        super().__init__(f"{name}: {refusals}" if name else refusals)


def refuse(findings: Sequence[Finding], *, name: str = "") -> list[Finding]:
    """Return the findings if none of them refuses.

    Raises:
        RefusedError: with the messages of all refusals, after the file's or case's name.
    """
    if any(finding.level == "refusal" for finding in findings):
        raise RefusedError(findings, name=name)
    return list(findings)
