"""A memory as people write it, and what of it tensors may take."""

import re
from dataclasses import dataclass

GIB = 2**30
_UNITS = {"": GIB, "g": GIB, "gb": GIB, "gib": GIB, "m": 2**20, "mb": 2**20, "mib": 2**20}
_NUMBER = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*([A-Za-z]*)\s*")
CUDA_CONTEXT = GIB // 2
"""What the driver and the libraries take of a card before the first tensor."""
FRAGMENTS = 0.1
"""Share that the allocator cannot use, between tensors of other sizes, with `expandable_segments:True`.

Without that setting it can be a third: an H200 reserved 97 GiB for 66 GiB of tensors.
"""


@dataclass(frozen=True)
class Budget:
    """Bytes of a device.

    Args:
        memory: all of it.
        on_gpu: whether a driver and an allocator take their share.
    """

    memory: int
    on_gpu: bool

    @property
    def tensors(self) -> int:
        """Bytes that tensors may take at their most."""
        return int((self.memory - CUDA_CONTEXT) * (1 - FRAGMENTS)) if self.on_gpu else self.memory

    def for_tensors(self, tensors: int) -> int:
        """Return how large a device must be for tensors."""
        return int(tensors / (1 - FRAGMENTS)) + CUDA_CONTEXT if self.on_gpu else tensors


def parse_memory(text: str) -> int:
    """Return bytes; a card of 24 GB has 24 GiB, so both are read alike.

    Raises:
        ValueError: it is no size, or its unit is unknown.

    >>> parse_memory("24GB") == parse_memory("24 GiB") == parse_memory("24576MB") == 24 * 2**30
    True
    """
    match = _NUMBER.fullmatch(text)
    if match is None or match[2].lower() not in _UNITS or float(match[1]) <= 0:
        raise ValueError(f"--memory {text}: expected a size such as 24GB, 24GiB or 24000MB.")
    return int(float(match[1]) * _UNITS[match[2].lower()])
