"""What `iunet-med plan` costs, and how near its prediction is to the bytes of a step that really runs on a CPU."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.architectures import contenders
from benchmarks.tables import MIB, markdown, mib
from iunet_med.memory import count_step_memory, predict_step_memory

CONFIGS = Path(__file__).parents[1] / "configs"
PLANS = {
    "iunet_brats_mri": ["iunet_brats_mri"],
    "with iunet32.json": ["iunet_brats_mri", str(CONFIGS / "iunet32.json")],
    "with iunet64.json": ["iunet_brats_mri", str(CONFIGS / "iunet64.json")],
    "with segresnet.json": ["iunet_brats_mri", str(CONFIGS / "segresnet.json")],
    "with unet.json": ["iunet_brats_mri", str(CONFIGS / "unet.json")],
}
COMPARED = (
    *("IUNet-16, reversible", "IUNet-16, stored", "SegResNet-16", "SegResNet-16, blocks checkpointed", "DynUNet"),
    *("BasicUNet", "UNet 32..512", "SegResNetDS-32", "MedNeXt-S", "MedNeXt-S, blocks checkpointed"),
)
SIDE = 64
LAUNCH = (
    "import resource, subprocess, sys; status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL); "
    "print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)
"""Runs a command from a small process: what is forked from this one would count its memory as its own."""


def table(*, quick: bool = False) -> str:
    """Return both tables in Markdown; `quick` plans for one config and compares two networks at 32 voxels cubed."""
    plans = dict(list(PLANS.items())[:1]) if quick else PLANS
    names, side = (COMPARED[:2], 32) if quick else (COMPARED, SIDE)
    return (
        "Each plan is a process of its own: 4 x 240 x 240 x 155, 24 GB, on cuda in bf16, without a GPU.\n\n"
        + markdown(("config", "seconds", "peak of the process, MiB", "largest crop", "levels"), plan_rows(plans))
        + f"\n\nPeak of a step on 4 x {side}³, float32: as predicted on tensors without data, and as counted while it "
        "runs on this CPU.\n\n"
        + markdown(("network", "predicted, MiB", "counted, MiB", "off"), compared_rows(names, side))
    )


def plan_rows(plans: dict[str, list[str]]) -> Iterator[tuple[object, ...]]:
    """Yield a row per config: time and memory of the command, and what it found."""
    for name, arguments in plans.items():
        with TemporaryDirectory() as folder:
            out = Path(folder) / "plan.json"
            command = [sys.executable, "-m", "iunet_med", "plan", *arguments, "--memory", "24GB", "--out", str(out)]
            start = time.perf_counter()
            told = subprocess.run([sys.executable, "-c", LAUNCH, *command], capture_output=True, text=True, check=True)
            seconds = time.perf_counter() - start
            status, kilobytes = map(int, told.stdout.split())
            if status:
                yield name, f"{seconds:.0f}", "-", "refused", "-"
                continue
            plan = json.loads(out.read_text(encoding="utf-8"))
        levels = ", ".join(plan.get("backprop", ())) or "-"
        crop = " x ".join(map(str, plan["roi_size"]))
        yield name, f"{seconds:.0f}", f"{kilobytes * 1024 / MIB:,.0f}", crop, levels


def compared_rows(names: Sequence[str], side: int) -> Iterator[tuple[object, ...]]:
    """Yield a row per network: the peak of a step, predicted and counted, and how far they are apart."""
    for name in names:
        build = contenders()[name]
        predicted = predict_step_memory(build, (1, 4, side, side, side)).peak
        torch.manual_seed(0)
        counted = count_step_memory(build(), torch.randn(1, 4, side, side, side)).peak
        yield name, mib(predicted), mib(counted), f"{100 * (predicted / counted - 1):+.1f} %"
