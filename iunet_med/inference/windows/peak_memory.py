"""The most memory that was in use since a moment: the GPU's, or that of the process."""

import sys
from pathlib import Path

import torch

if sys.platform != "win32":
    import resource


def reset_peak(device: torch.device) -> None:
    """Start the peak anew, where the system can."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    counter = Path("/proc/self/clear_refs")
    if counter.exists():
        counter.write_text("5", encoding="ascii")  # Linux starts the peak anew


def peak_mib(device: torch.device) -> float:
    """Return the peak in MiB, of the GPU where it is one, else of the process; 0 on Windows, which does not tell it."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    if sys.platform == "win32":
        return 0.0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)  # macOS counts bytes, others KiB
