"""The peak counts what was in use since it was reset."""

import mmap

import torch

from iunet_med.inference.windows.peak_memory import peak_mib, reset_peak


def test_the_peak_grows_with_what_is_used() -> None:
    reset_peak(torch.device("cpu"))
    before = peak_mib(torch.device("cpu"))
    with mmap.mmap(-1, 64 * 2**20) as held:  # the allocator might hand out memory that the process has already
        held.write(b"\1" * len(held))
    assert peak_mib(torch.device("cpu")) >= before + 60
