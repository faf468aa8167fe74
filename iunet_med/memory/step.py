"""Peak memory of a training step, counted tensor by tensor: on real tensors, or predicted on fake ones without data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from iunet_med.memory.cuda_rules import convolution_copies, cuda_rules
from iunet_med.memory.live_bytes import LiveBytes, Workspace

Loss = Callable[[Any], Tensor]


def mean_square(y: Tensor) -> Tensor:
    """Return the mean of the squares: like most losses, its gradient is as large as its argument."""
    return y.square().mean()


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
    return _count(network, image, loss, autocast, None)


def _count(
    network: nn.Module, image: Tensor, loss: Loss, autocast: torch.dtype | None, workspace: Workspace | None
) -> StepMemory:
    network.zero_grad(set_to_none=True)
    weights = _bytes([*network.parameters(), *network.buffers()])
    with LiveBytes(workspace) as live:
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
    device_type: Literal["cpu", "cuda"] = "cpu",
) -> StepMemory:
    """Count the bytes of a training step without memory for it and without its arithmetic.

    Workspaces inside operations come on top, but for the copies that convolutions make on CUDA, and so does the
    optimiser's state.

    Args:
        build: makes the network, here of tensors that have a shape and a type but no data; so a laptop can tell whether
            a step fits a card.
        image_shape: (B, C, *spatial).
        loss, autocast: as in `count_step_memory`.
        device_type: where the step shall run. On CUDA autocast takes other operations to float32, and the networks of
            this package use kernels that keep less.

    Raises:
        ValueError: another device.

    >>> from iunet_med import IUNet
    >>> step = predict_step_memory(lambda: IUNet(2, 1, 1, channels=(4, 8)), (1, 1, 64, 64), device_type="cuda")
    >>> step.image
    16384
    """
    if device_type not in ("cpu", "cuda"):
        raise ValueError(f"device_type: expected cpu or cuda, got {device_type!r}.")
    with cuda_rules() if device_type == "cuda" else nullcontext(), FakeTensorMode():
        workspace = convolution_copies if device_type == "cuda" else None
        return _count(build(), torch.empty(tuple(image_shape)), loss, autocast, workspace)


def _bytes(tensors: Any) -> int:
    return sum(tensor.nbytes for tensor in tensors)
