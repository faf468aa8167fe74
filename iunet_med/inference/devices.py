"""The devices of this computer by their names."""

import re

import torch

_KNOWN = re.compile(r"cpu|mps|cuda(:\d{1,4})?")


def check_device(name: str) -> str:
    """Return a device's name as it is.

    Raises:
        ValueError: this computer has no such device; says which it has and what to type.
    """
    there = devices()
    if _KNOWN.fullmatch(name) and (name in there or (name == "cuda" and "cuda:0" in there)):
        return name
    without = "" if "cuda:0" in there else "; torch finds no CUDA GPU"
    raise ValueError(
        f"There is no device {name!r}: this computer has {', '.join(there)}{without}; choose cpu, cuda, cuda:N (N "
        "from 0) or mps, where it is there."
    )


def devices() -> list[str]:
    """List the devices that networks can run on here."""
    gpus = [f"cuda:{number}" for number in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return ["cpu", *gpus, *(["mps"] if torch.backends.mps.is_available() else [])]
