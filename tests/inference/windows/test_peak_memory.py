"""The peak counts what was in use since it was reset."""

import numpy as np
import torch

from iunet_med.inference.windows.peak_memory import peak_mib, reset_peak


def test_the_peak_grows_with_what_is_used() -> None:
    reset_peak(torch.device("cpu"))
    before = peak_mib(torch.device("cpu"))
    held = np.ones(64 * 2**20, np.uint8)
    assert peak_mib(torch.device("cpu")) >= before + 60
    assert held.all()
