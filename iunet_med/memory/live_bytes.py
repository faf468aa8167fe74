"""Counts the bytes of the tensors that operations make, while they live."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Workspace = Callable[[Any, Any, Any], int]


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Inside the context, `now` and `peak` count the bytes of the storages that operations made inside it.

    A storage counts from the operation that returns it until it is freed; views of it do not count again. What an
    operation allocates for itself and frees before it returns (a convolution's workspace) is not seen.

    Args:
        workspace: tells of an operation, its arguments and its result how many bytes it takes for itself meanwhile;
            the peak then counts them.
    """

    def __init__(self, workspace: Workspace | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._workspace = workspace
        self._made: dict[int, tuple[weakref.ref[torch.UntypedStorage], int]] = {}
        self._most = 0
        """At least `now`: storages count with their sizes when they were made."""

    @property
    def now(self) -> int:
        """Bytes that are live now; a storage that was resized counts with its present size."""
        live = [made() for made, _ in list(self._made.values())]
        return sum(storage.nbytes() for storage in live if storage is not None)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation and count the storages that it made."""
        result = func(*args, **(kwargs or {}))
        given = {storage._cdata for storage in _storages((args, kwargs))}
        for storage in _storages(result):
            if storage._cdata not in given or storage.nbytes() > self._made.get(storage._cdata, (None, sys.maxsize))[1]:
                self._add(storage)
        taken = self._workspace(func, args, result) if self._workspace else 0
        if self._most + taken > self.peak:  # `now` takes longer
            self.peak = max(self.peak, self.now + taken)
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        self._drop(key)
        self._made[key] = weakref.ref(storage, lambda _: self._drop(key)), storage.nbytes()
        self._most += storage.nbytes()

    def _drop(self, key: int) -> None:
        self._most -= self._made.pop(key, (None, 0))[1]


def _storages(tree: Any) -> list[torch.UntypedStorage]:
    return [leaf.untyped_storage() for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
