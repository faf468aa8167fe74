"""The most memory that was in use since a moment: the GPU's, or that of the process."""

import resource
from pathlib import Path

import torch


def reset_peak(device: torch.device) -> None:
    """Start the peak anew, where the system can."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    counter = Path("/proc/self/clear_refs")
    if counter.exists():
        counter.write_text("5", encoding="ascii")  # Linux starts the peak anew


def peak_mib(device: torch.device) -> float:
    """Return the peak in MiB, of the GPU where it is one, else of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
