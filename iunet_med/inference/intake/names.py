"""Names of cases that are safe as names of folders and files, wherever they come from."""

import hashlib
import re

LONGEST_BYTES = 120
"""File systems allow 255 bytes; the rest is for endings and the prefix of temporary files."""
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f/\\<>:"|?*\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]')


def check_name(name: str) -> str:
    """Return a case's name as it is.

    Raises:
        ValueError: as a folder's name it would lead elsewhere, is reserved by a system, hides, or cannot be shown.
    """
    if fault := _fault(name):
        raise ValueError(
            f"the case's name {name!a} {fault}; expected 1 to {LONGEST_BYTES} bytes of letters, digits, spaces, "
            "dots, - and _, without a dot first; rename the case."
        )
    return name


def shown_name(name: str) -> str:
    """Return a safe stand-in for a name that `check_name` refuses, other names as they are."""
    if not _fault(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    readable = re.sub(r"[^A-Za-z0-9-]+", "_", name).strip("_")[:40]
    return f"refused-{readable}-{digest}"


def _fault(name: str) -> str:
    if not name.strip():
        return "is empty"
    if found := _FORBIDDEN.search(name):
        return f"has the character {found[0]!a}"
    if name[0] in "=+@":
        return f"begins with {name[0]}, which spreadsheets take for a formula"
    if name.startswith(".") or name != name.strip() or name.endswith("."):
        return "begins or ends with a dot or a space"
    if len(name.encode()) > LONGEST_BYTES:
        return f"has {len(name.encode())} bytes"
    if name.split(".")[0].lower() in _RESERVED:
        return "is reserved by Windows"
    return ""
