"""Counts the bytes of the tensors that operations make, while they live."""

from __future__ import annotations

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
        self._made: weakref.WeakValueDictionary[int, torch.UntypedStorage] = weakref.WeakValueDictionary()

    @property
    def now(self) -> int:
        """Bytes that are live now; a storage that was resized counts with its present size."""
        return sum(storage.nbytes() for storage in self._made.values())

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation and count the storages that it made."""
        result = func(*args, **(kwargs or {}))
        given = {storage._cdata for storage in _storages((args, kwargs))}
        for storage in _storages(result):
            if storage._cdata not in given:
                self._made[storage._cdata] = storage
        taken = self._workspace(func, args, result) if self._workspace else 0
        self.peak = max(self.peak, self.now + taken)
        return result


def _storages(tree: Any) -> list[torch.UntypedStorage]:
    return [leaf.untyped_storage() for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
