"""Whether a volume fits into the main memory, asked before it is read."""

import math
import os
from collections.abc import Sequence
from pathlib import Path


def available_bytes() -> int:
    """Main memory that is free for new arrays."""
    information = Path("/proc/meminfo")
    if information.exists():
        for line in information.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def check_fits(path: Path, shape: Sequence[int]) -> None:
    """Refuse a file whose header describes more than the memory holds.

    Raises:
        ValueError: names the file, its shape and both sizes.
    """
    needed = 3 * 4 * math.prod(int(length) for length in shape)  # as float32, and two copies on the way
    if needed > (free := available_bytes()):
        raise ValueError(
            f"{path.name} has shape {tuple(shape)}, which needs {needed / 2**30:.1f} GiB of memory, and "
            f"{free / 2**30:.1f} GiB are free; crop or resample it, or take a larger machine."
        )
