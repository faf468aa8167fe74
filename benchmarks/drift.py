"""How far the rebuilt activations and the gradients drift from the exact ones as the network gets deeper.

A depth is the number of couplings that a value on the way through the lowest level passes. The truth is the stored
mode in float64, with the same weights.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from statistics import mean, stdev

import torch
from torch import Tensor

from benchmarks.tables import markdown
from iunet_med import InvertibleUNet
from iunet_med.nn.exact_sums import to_grid
from iunet_med.nn.parts import joined
from iunet_med.nn.vjp import BackwardState, Tape

PASSAGES = 4
DEPTHS = (4, 12, 24, 48, 100)
NETWORKS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "2D": ((16, 32), (32, 32)),
    "3D": ((16, 32), (16, 16, 16)),
}
TYPES: dict[str, tuple[torch.dtype | None, bool]] = {
    "float32": (None, True),
    "bf16 autocast, bit_exact=False": (torch.bfloat16, False),
    "bf16 autocast": (torch.bfloat16, True),
}
COLUMNS = (
    "network, type",
    "couplings",
    "rebuilt input",
    "gradient, reversible",
    "gradient, stored",
    "reversible against stored",
)


def relative(actual: Tensor, expected: Tensor) -> float:
    """Return the norm of the difference over the norm of what is expected."""
    expected = expected.double()
    return ((actual.double() - expected).norm() / expected.norm()).item()


def errors(
    channels: Sequence[int],
    size: Sequence[int],
    depth: int,
    seed: int,
    autocast: torch.dtype | None,
    *,
    bit_exact: bool,
) -> tuple[float, ...]:
    """Return the relative errors of `COLUMNS` for one random network, input and target."""
    if depth % PASSAGES:
        raise ValueError(f"depth {depth}: expected a multiple of {PASSAGES}, for two branches of two levels.")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = InvertibleUNet(len(size), channels, couplings=depth // PASSAGES, bit_exact=bit_exact)
        image, target = to_grid(torch.randn(2, 1, channels[0], *size))
    stored = copy.deepcopy(network)
    stored.backprop = "stored"
    exact = gradient(copy.deepcopy(stored).double(), image.double(), target.double(), None)
    by_reversible = gradient(network, image, target, autocast)
    by_stored = gradient(stored, image, target, autocast)
    return (
        relative(rebuilt(network, image, autocast), image),
        relative(by_reversible, exact),
        relative(by_stored, exact),
        relative(by_reversible, by_stored),
    )


def rebuilt(network: InvertibleUNet, image: Tensor, autocast: torch.dtype | None) -> Tensor:
    """Return the input as the backward pass rebuilds it from the output."""
    tape = Tape()
    with _autocast(autocast), torch.no_grad():
        y = network.level.push([image], tape)
        state = BackwardState(y, [torch.zeros_like(image)], tape)
        network.level.pull_back(state)
    return joined(state.take()[0])


def gradient(network: InvertibleUNet, image: Tensor, target: Tensor, autocast: torch.dtype | None) -> Tensor:
    """Return the gradient of the mean squared error with respect to the weights and the input, in one vector."""
    image = image.clone().requires_grad_()
    with _autocast(autocast):
        loss = (network(image) - target).square().mean()
    parts = torch.autograd.grad(loss, [image, *network.parameters()])
    return torch.cat([part.flatten() for part in parts])


def _autocast(dtype: torch.dtype | None) -> torch.autocast:
    return torch.autocast("cpu", dtype or torch.bfloat16, enabled=dtype is not None)


def rows(depths: Sequence[int], seeds: int) -> Iterator[tuple[object, ...]]:
    """Yield one row per network, type and depth: mean and standard deviation over the seeds."""
    for name, (channels, size) in NETWORKS.items():
        for type_name, (autocast, bit_exact) in TYPES.items():
            for depth in depths:
                drawn = [errors(channels, size, depth, seed, autocast, bit_exact=bit_exact) for seed in range(seeds)]
                cells = [f"{mean(column):.1e} ± {stdev(column):.0e}" for column in zip(*drawn, strict=True)]
                yield f"{name}, {type_name}", depth, *cells


def table(*, quick: bool = False) -> str:
    """Return the table in Markdown; `quick` takes few depths and seeds."""
    return (
        "Relative errors, mean and standard deviation over seeds; networks of two levels, 16 and 32 channels, 32^2 "
        "and 16^3, at their initial weights, instance norm. Gradients are compared with float64, the last column "
        "with the stored mode in the same type.\n\n"
        + markdown(COLUMNS, rows(DEPTHS[:2] if quick else DEPTHS, 2 if quick else 5))
    )
