"""The settings of a command's own process that make the C library keep memory between windows."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGE = 2_000_000_000
"""Bytes; the parameters are C ints. Larger blocks are still returned to the system at once."""


def keep_freed_memory() -> None:
    """Keep what one window frees for the next one, instead of returning it and having the kernel clear it anew.

    Does something with glibc only. Source: man 3 mallopt.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    for parameter in (_MMAP_THRESHOLD, _TRIM_THRESHOLD):
        if mallopt is not None:
            mallopt(parameter, _LARGE)
