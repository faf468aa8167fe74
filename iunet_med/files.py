"""Files appear complete or not at all: write under a temporary name, then rename."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in `path`'s folder, which is made if need be, and rename it to `path` on success.

    The name's endings are kept, as writers choose the format by them. On an error nothing is left behind; what a killed
    process left of an earlier writing of `path` is cleared first.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear_leftovers(path)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def add_file(digest: "hashlib._Hash", path: Path) -> None:
    """Add a file's content to a digest, a MiB at a time."""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)


def readable(name: str) -> str:
    """Return a file's name as it can be shown: bytes in it that are no text become escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _clear_leftovers(path: Path) -> None:
    for temporary in path.parent.iterdir():
        pid = temporary.name.removeprefix(".").removesuffix(f"-{path.name}")
        if temporary.name == f".{pid}-{path.name}" and pid.isdecimal() and not _is_running(int(pid)):
            temporary.unlink(missing_ok=True)


def _is_running(pid: int) -> bool:
    if os.name == "nt":
        return True  # signal 0 is no question there but an interrupt
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it runs, as another user
    return True
