"""Print the tables of memory, time and precision as Markdown: `python -m benchmarks --tables paper time`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import (
    brats,
    bundle,
    comparison,
    compiled,
    ct,
    densities,
    drift,
    familiarity,
    fit,
    gpu,
    hippocampus,
    kernels,
    low_dose,
    paper,
    peers,
    planner,
    precision,
    resampling,
    restoration,
    restoration_memory,
    speed,
    tumours,
    whole_ct,
)
from benchmarks.tables import header

TITLES = {
    "paper": "Memory of the paper's network",
    "brats": "Memory on a whole brain",
    "fit": "What fits a card",
    "bundle": "Memory of the bundle",
    "time": "Time of reversible over stored",
    "peers": "Against iunets and memcnn",
    "resampling": "Resampling as product of matrices or convolution",
    "drift": "Drift",
    "comparison": "Which network learns most in equal time",
    "hippocampus": "Hippocampi with expert labels",
    "familiarity": "Telling unfamiliar images",
    "whole_ct": "Segmenting a whole CT",
    "tumours": "Tumours in real MRI",
    "ct": "Organs in real CT",
    "restoration": "Restoring foam from few projections",
    "restoration_memory": "Memory of the paper's restoration networks",
    "low_dose": "CT at a low dose",
    "digits": "Densities of digits",
    "slices": "Densities of brain slices",
    "compiled": "Eager and compiled, in 16 and 32 bits",
    "planner": "Planning a step",
    "precision": "Dice in 16 and 32 bits",
    "kernels": "Kernels for a GPU",
    "gpu": "On a GPU",
}


def main() -> None:
    """Print the header and each table as soon as it is there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--tables", nargs="+", choices=TITLES, default=list(TITLES), help="default: all")
    parser.add_argument("--quick", action="store_true", help="smaller sizes and fewer rounds, to see that all runs")
    parser.add_argument(
        "--peers-python",
        type=Path,
        default=Path(".venv-peers/bin/python"),
        help="interpreter of the environment with iunets and memcnn (benchmarks/peers.py says how to make it)",
    )
    parser.add_argument(
        "--picture",
        type=Path,
        metavar="FILE",
        help="where `restoration`, `low_dose`, `digits` or `slices` draws, as PNG",
    )
    parser.add_argument("--hippocampus", type=Path, metavar="FOLDER", help="Task04_Hippocampus of the Decathlon")
    parser.add_argument("--tumours", type=Path, metavar="FOLDER", help="real cases of t1, t1c, t2, flair with labels")
    parser.add_argument("--healthy", type=Path, metavar="FOLDER", help="real heads without tumour, the same modalities")
    parser.add_argument("--ct", type=Path, metavar="FOLDER", help="scans with labels of TotalSegmentator beside them")
    chosen = parser.parse_args()
    tables: dict[str, Callable[..., str]] = {
        "paper": paper.table,
        "brats": brats.table,
        "fit": fit.table,
        "bundle": bundle.table,
        "time": speed.table,
        "peers": partial(peers.table, chosen.peers_python.absolute()),
        "resampling": resampling.table,
        "drift": drift.table,
        "comparison": comparison.table,
        "hippocampus": partial(hippocampus.table, chosen.hippocampus),
        "familiarity": partial(familiarity.table, chosen.hippocampus),
        "whole_ct": whole_ct.table,
        "restoration": partial(restoration.table, chosen.picture),
        "restoration_memory": restoration_memory.table,
        "low_dose": partial(low_dose.table, chosen.ct, chosen.picture),
        "digits": partial(densities.table, "digits", chosen.picture),
        "slices": partial(densities.table, "slices", chosen.picture),
        "tumours": partial(tumours.table, chosen.tumours, chosen.healthy),
        "ct": partial(ct.table, chosen.ct),
        "compiled": compiled.table,
        "planner": planner.table,
        "precision": precision.table,
        "kernels": kernels.table,
        "gpu": gpu.table,
    }
    print(header(" ".join(["python -m benchmarks", *sys.argv[1:]])))
    for name in chosen.tables:
        print(f"\n## {TITLES[name]}\n\n{tables[name](quick=chosen.quick)}", flush=True)


if __name__ == "__main__":
    main()
