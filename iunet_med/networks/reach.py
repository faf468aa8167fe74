"""The smallest size that a network takes, also of networks that do not say it themselves."""

from __future__ import annotations

import math

from torch import nn


def network_reach(network: nn.Module) -> tuple[int, ...]:
    """Voxels per axis that become one at a network's lowest level: its `reach`, or what its strides or levels tell.

    Networks of MONAI keep `strides` (UNet, DynUNet) or `blocks_down` (SegResNet, which halves between them).

    Raises:
        ValueError: the network has none of these.
    """
    if hasattr(network, "reach"):
        return tuple(network.reach)  # type: ignore[arg-type]
    axes = int(getattr(network, "spatial_dims", getattr(network, "dimensions", 3)))
    strides = getattr(network, "strides", None)
    if strides is None and hasattr(network, "blocks_down"):
        strides = [2] * (len(network.blocks_down) - 1)  # type: ignore[arg-type]
    if strides is None:
        raise ValueError(
            f"{type(network).__name__} does not say which size it needs: expected an attribute `reach`, `strides` or "
            '`blocks_down`; set the smallest size in voxels per axis, such as --reach "[16, 16, 16]".'
        )
    steps = [[stride] * axes if isinstance(stride, int) else list(stride) for stride in strides]
    return tuple(math.prod(step[axis] for step in steps) for axis in range(axes))
