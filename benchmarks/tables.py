"""Markdown for the tables, with the machine, the versions and the command that a figure belongs to."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch

MIB = 2**20
GIB = 2**30


def header(command: str) -> str:
    """Return the lines that make a figure traceable."""
    return "\n".join(
        [
            f"- command: `{command}`",
            f"- machine: {machine()}",
            f"- versions: Python {platform.python_version()}, torch {torch.__version__}, monai {version('monai')}, "
            f"iunet-med {version('iunet-med')}; {torch.get_num_threads()} threads",
            f"- date: {date.today().isoformat()}",
        ]
    )


def machine() -> str:
    """Return processor, memory and GPU."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{os.cpu_count()} CPU cores ({_processor()}), {round(memory / GIB)} GiB, {gpu}"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def markdown(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; the first column is text, the others are aligned as numbers."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def mib(size: float) -> str:
    """Return bytes as MiB, without decimals."""
    return f"{size / MIB:,.0f}"


def gib(size: float) -> str:
    """Return bytes as GiB, with two decimals."""
    return f"{size / GIB:.2f}"
