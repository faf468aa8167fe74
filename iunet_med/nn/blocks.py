"""The function inside a coupling: convolution, normalisation, activation, as often as asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from iunet_med.nn.instance_norm import is_fused, normalise_and_activate
from iunet_med.nn.surroundings import is_autocast

Spec = str | tuple[str, Mapping[str, Any]] | None
ActivationSpec = Spec | Callable[[], nn.Module]
Kernel = int | tuple[int, ...]

CONVOLUTIONS: dict[int, Callable[..., nn.Module]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
BATCH_NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
ACTIVATIONS: dict[str, type[nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "leakyrelu": nn.LeakyReLU,
    "mish": nn.Mish,
    "prelu": nn.PReLU,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "swish": nn.SiLU,
    "tanh": nn.Tanh,
}


class ConvolutionalBlock(nn.Sequential):
    """(B, C, *spatial) -> (B, C, *spatial): convolution -> norm -> dropout -> activation, `depth` times.

    Args:
        spatial_dims: 1, 2 or 3.
        channels: channels in and out.
        kernel_size: odd length of the kernel in voxels, one for all axes or one per axis.
        depth: how often the sequence is repeated.
        norm: "instance", "group", "batch", a pair of name and keywords as in MONAI, or None.
        act: an activation's name, a pair of name and keywords as in MONAI, a class such as `nn.ReLU`, or None.
        dropout: probability of a voxel's value being dropped.

    >>> ConvolutionalBlock(3, 4, kernel_size=3, depth=1, norm="instance", act="relu", dropout=0.0)
    ConvolutionalBlock(
      (0): Conv3d(4, 4, kernel_size=(3, 3, 3), stride=(1, 1, 1), padding=(1, 1, 1), bias=False)
      (1): GroupNorm(4, 4, eps=1e-05, affine=True...)
      (2): ReLU()
    )
    """

    def __init__(
        self,
        spatial_dims: int,
        channels: int,
        *,
        kernel_size: Kernel,
        depth: int,
        norm: Spec,
        act: ActivationSpec,
        dropout: float,
    ) -> None:
        layers: list[nn.Module] = []
        for _ in range(depth):
            layers.append(convolution(spatial_dims, channels, channels, kernel_size, bias=norm is None))
            if norm is not None:
                layers.append(normalisation(spatial_dims, channels, norm))
            if dropout:
                layers.append(nn.Dropout(dropout))
            if act is not None:
                layers.append(activation(act))
        super().__init__(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layers in their order, in the type of the weights; torch.compile skips torch's own method."""
        if not torch.jit.is_scripting():  # type: ignore[attr-defined]
            return self._run(x)
        x = x.to(self[0].weight.dtype)  # type: ignore[arg-type]
        for layer in self:
            x = layer(x)
        return x

    @torch.jit.unused
    def _run(self, x: Tensor) -> Tensor:
        x = x if is_autocast(x) else x.to(self[0].weight.dtype)  # type: ignore[arg-type]
        layers = list(self)
        while layers:
            layer = layers.pop(0)
            if layers and is_fused(x, layer, layers[0]):
                x = normalise_and_activate(x, layer, layers.pop(0))
            else:
                x = layer(x)
        return x


def convolution(
    spatial_dims: int, in_channels: int, out_channels: int, kernel_size: Kernel, *, bias: bool = True
) -> nn.Module:
    """Return a convolution that keeps the spatial size; ValueError for an even kernel."""
    kernel = (kernel_size,) * spatial_dims if isinstance(kernel_size, int) else tuple(kernel_size)
    if len(kernel) != spatial_dims or any(length % 2 == 0 for length in kernel):
        raise ValueError(
            f"kernel_size={kernel_size}: expected one odd length, or {spatial_dims} of them, one per axis, which keep "
            "the spatial size."
        )
    return CONVOLUTIONS[spatial_dims](
        in_channels, out_channels, kernel, padding=tuple(length // 2 for length in kernel), bias=bias
    )


def zero_convolution(spatial_dims: int, in_channels: int, out_channels: int) -> nn.Module:
    """Return a convolution of one voxel that begins as zero."""
    layer = CONVOLUTIONS[spatial_dims](in_channels, out_channels, 1)
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def normalisation(spatial_dims: int, channels: int, spec: str | tuple[str, Mapping[str, Any]]) -> nn.Module:
    """Return the normalisation that `spec` names; ValueError for an unknown name."""
    name, keywords = _name_and_keywords(spec)
    if name == "instance":
        # The same formula as torch's InstanceNorm, at half its time on a CPU, and its output is no view of another
        # tensor: an activation in place on a view costs two copies in the backward pass.
        return nn.GroupNorm(num_groups=channels, num_channels=channels, **keywords)
    if name == "group":
        return nn.GroupNorm(num_channels=channels, **{"num_groups": 1, **keywords})
    if name == "batch":
        return BATCH_NORMS[spatial_dims](channels, **keywords)
    raise ValueError(f"Unknown norm {name!r}; choose 'instance', 'group', 'batch' or None.")


def is_instance_norm(module: nn.Module) -> bool:
    """Return True if `module` normalises each channel by itself."""
    return isinstance(module, nn.GroupNorm) and module.num_groups == module.num_channels


def activation(spec: str | tuple[str, Mapping[str, Any]] | Callable[[], nn.Module]) -> nn.Module:
    """Return the activation that `spec` names or makes; ValueError for an unknown name."""
    if callable(spec):
        return spec()
    name, keywords = _name_and_keywords(spec)
    if name not in ACTIVATIONS:
        raise ValueError(f"Unknown act {name!r}; choose one of {', '.join(map(repr, ACTIVATIONS))}, a class, or None.")
    return ACTIVATIONS[name](**keywords)


def _name_and_keywords(spec: str | tuple[str, Mapping[str, Any]]) -> tuple[str, dict[str, Any]]:
    name, keywords = (spec, {}) if isinstance(spec, str) else spec
    return name.lower(), dict(keywords)
