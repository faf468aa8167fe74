"""Time and memory against `iunets` with `memcnn`, same architecture, same functions inside the couplings.

The peers live in an environment of their own, without their declared dependencies (memcnn's would replace torch):

    python3 -m venv .venv-peers
    .venv-peers/bin/pip install --constraint constraints.txt torch numpy
    .venv-peers/bin/pip install --no-deps memcnn==1.5.2 iunets==0.1

`peers_worker.py` runs there and times ours and theirs in one process, in turns.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from benchmarks.tables import markdown, mib
from benchmarks.timing import ratio, seconds

ROOT = Path(__file__).parents[1]
OURS, THEIRS = "ours, reversible", "iunets + memcnn, reversible"
COLUMNS = (
    "step",
    "seconds, median (quartiles)",
    "over ours, reversible (quartiles)",
    "limit",
    "peak, MiB",
    "parameters",
)
LIMITS = {THEIRS: "at least 1.25"}


def table(python: Path, *, quick: bool = False) -> str:
    """Return the table in Markdown, or a line that says that `python`, the peers' interpreter, is not there."""
    if not python.exists():
        return f"Open: {python} is absent; benchmarks/peers.py says how the peers are installed."
    size, rounds = (16, 3) if quick else (48, 11)
    result = subprocess.run(
        [python, "-W", "ignore", "-m", "benchmarks.peers_worker", str(size), str(rounds)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured = json.loads(result.stdout.splitlines()[-1])
    ours = measured[OURS]["seconds"]
    rows = [
        (
            name,
            seconds(one["seconds"]),
            ratio(one["seconds"], ours),
            LIMITS.get(name, "-"),
            mib(one["peak"]),
            one["parameters"],
        )
        for name, one in measured.items()
    ]
    return (
        f"3D, 32 channels, 3 levels, 4 couplings per level and branch, {size}^3, float32, batch 1; convolution, group "
        "norm and leaky ReLU in each coupling, learnable resampling by the Cayley map.\n\n" + markdown(COLUMNS, rows)
    )
