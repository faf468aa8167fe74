"""Freed memory is kept: a block that is used again brings no new pages."""

import subprocess
import sys

import pytest

CODE = """
import resource, sys
from iunet_med.cli.allocator import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
block = b"1" * (64 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    bytearray(block)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")
def test_blocks_are_used_again() -> None:
    faults = {
        how: int(subprocess.run([sys.executable, "-c", CODE, how], capture_output=True, check=True).stdout)
        for how in ("keep", "plain")
    }
    assert faults["keep"] * 3 < faults["plain"]
