"""Peak memory of a training step, counted tensor by tensor: on real tensors, or predicted on fake ones without data."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Loss = Callable[[Any], Tensor]


def mean_square(y: Tensor) -> Tensor:
    """Return the mean of the squares: like most losses, its gradient is as large as its argument."""
    return y.square().mean()


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Inside the context, `now` and `peak` count the bytes of the storages that operations made inside it.

    A storage counts from the operation that returns it until it is freed; views of it do not count again. What an
    operation allocates for itself and frees before it returns (a convolution's workspace) is not seen.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
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
        self.peak = max(self.peak, self.now)
        return result


@dataclass(frozen=True)
class StepMemory:
    """Bytes of one training step.

    Attributes:
        peak: all live tensors at their most, weights and input included.
        weights: parameters and buffers of the network.
        gradients: gradients of the parameters.
        image: the input.
    """

    peak: int
    weights: int
    gradients: int
    image: int

    @property
    def rest(self) -> int:
        """The peak without weights, their gradients and the input: activations and what backpropagation needs."""
        return self.peak - self.weights - self.gradients - self.image


def count_step_memory(
    network: nn.Module, image: Tensor, *, loss: Loss = mean_square, autocast: torch.dtype | None = None
) -> StepMemory:
    """Run one forward and backward pass and count the bytes of its tensors.

    Args:
        network: any network; its gradients are dropped first, and afterwards are those of this step.
        image: the input, (B, C, *spatial).
        loss: scalar from the network's output.
        autocast: the low type of automatic mixed precision, or None for the network's own type.
    """
    network.zero_grad(set_to_none=True)
    weights = _bytes([*network.parameters(), *network.buffers()])
    with LiveBytes() as live:
        with torch.autocast(image.device.type, autocast or torch.bfloat16, enabled=autocast is not None):
            value = loss(network(image))
        value.backward()  # type: ignore[no-untyped-call]
        gradients = _bytes(p.grad for p in network.parameters() if p.grad is not None)
    return StepMemory(weights + image.nbytes + live.peak, weights, gradients, image.nbytes)


def predict_step_memory(
    build: Callable[[], nn.Module],
    image_shape: Sequence[int],
    *,
    loss: Loss = mean_square,
    autocast: torch.dtype | None = None,
) -> StepMemory:
    """Count the bytes of a training step without memory for it and without its arithmetic.

    `build` makes the network, here of tensors that have a shape and a type but no data; so a laptop can tell whether
    a step fits a card. Workspaces inside operations and the optimiser's state come on top. `image_shape` is
    (B, C, *spatial); the other arguments are those of `count_step_memory`.
    """
    with FakeTensorMode():
        return count_step_memory(build(), torch.empty(tuple(image_shape)), loss=loss, autocast=autocast)


def _bytes(tensors: Any) -> int:
    return sum(tensor.nbytes for tensor in tensors)


def _storages(tree: Any) -> list[torch.UntypedStorage]:
    return [leaf.untyped_storage() for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
