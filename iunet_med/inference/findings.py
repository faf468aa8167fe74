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
