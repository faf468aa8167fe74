"""Independent trainings side by side: one process per core, each on one thread."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

import torch

from iunet_med.cli.allocator import keep_freed_memory

Run = TypeVar("Run")
Result = TypeVar("Result")


def in_parallel(
    train: Callable[[Run], Result],
    runs: Sequence[Run],
    *,
    told: Callable[[Result], str],
    share: Callable[..., None] | None = None,
    shared: tuple[Any, ...] = (),
) -> Iterator[Result]:
    """Yield what `train` returns for each run, in their order, and tell each on the terminal.

    Args:
        train: a module's function, called in another process.
        runs: what it is called with.
        told: a line about a result.
        share: called first in every process, with `shared`.
        shared: its arguments.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # large pages for torch, as the Makefile sets them
    with ProcessPoolExecutor(
        os.cpu_count(), get_context("spawn"), initializer=_begin, initargs=(share, shared)
    ) as pool:
        for number, result in enumerate(pool.map(train, runs), 1):
            print(f"{number} of {len(runs)}: {told(result)}", file=sys.stderr, flush=True)
            yield result


def _begin(share: Callable[..., None] | None, shared: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    keep_freed_memory()
    if share is not None:
        share(*shared)
