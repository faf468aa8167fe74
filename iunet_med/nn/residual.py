"""The invertible residual block: y = x + g(x) with a contraction g, undone by fixed-point iteration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from iunet_med.nn.bijection import Bijection
from iunet_med.nn.blocks import activation, convolution
from iunet_med.nn.convolution_norm import convolution_norm_bound

NonExpansive = Literal["elu", "leakyrelu", "relu", "tanh"]
LogDetMethod = Literal["series", "exact"]

CONVOLVE: dict[int, Callable[..., Tensor]] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
PROBE_SEED = 0


class InvertibleResidual(Bijection):
    """(B, C, *spatial) -> the same shape: y = x + g(x), g = convolution -> activation -> ... -> convolution.

    Each kernel is scaled down where `convolution_norm_bound` demands it, so that g's Lipschitz constant is at most
    `contraction`, whatever the weights. The last convolution begins at zero: the block begins as the identity. It
    runs in the type of its input also under autocast, since rounding would keep the inverse from converging.

    Args:
        spatial_dims: 1, 2 or 3.
        channels: channels in and out.
        hidden_channels: channels between the convolutions; None for `channels`.
        kernel_size: odd length of the kernels in voxels, one for all axes or one per axis.
        depth: number of convolutions.
        act: an activation whose slope is at most 1.
        contraction: bound of g's Lipschitz constant, above 0 and below 1.
        tolerance: the inverse stops when a step changes no sample of the batch by more than this part of its norm; its
            relative error is then at most contraction / (1 - contraction) times this. None is four times the
            rounding unit of the input's type.
        max_iterations: steps of the inverse after which it gives up.
        log_det_method: "series" sums `log_det_terms` terms of the power series of log det(I + J), with traces
            estimated from `log_det_probes` random vectors (Hutchinson); "exact" takes the determinant of the whole
            Jacobian, for small sizes.
        log_det_terms: n, where the series ends; for N values per sample and c = contraction, the rest is at most
            N c^(n + 1) / ((n + 1) (1 - c)).
        log_det_probes: random vectors per estimate.

    Raises:
        ValueError: an unknown name, or a number out of its range.

    Source: Behrmann et al., ICML 2019, https://arxiv.org/abs/1811.00995.

    >>> layer = InvertibleResidual(2, 3).double()
    >>> x = torch.randn(1, 3, 4, 4).double()
    >>> layer.inverse(layer(x)).allclose(x)
    True
    """

    def __init__(
        self,
        spatial_dims: int,
        channels: int,
        *,
        hidden_channels: int | None = None,
        kernel_size: int | tuple[int, ...] = 3,
        depth: int = 2,
        act: NonExpansive = "elu",
        contraction: float = 0.9,
        tolerance: float | None = None,
        max_iterations: int = 500,
        log_det_method: LogDetMethod = "series",
        log_det_terms: int = 10,
        log_det_probes: int = 1,
    ) -> None:
        super().__init__()
        _check(act, log_det_method, contraction, min(depth, max_iterations, log_det_terms, log_det_probes))
        widths = [channels, *[hidden_channels or channels] * (depth - 1), channels]
        self.convolutions = nn.ModuleList(
            convolution(spatial_dims, widths[i], widths[i + 1], kernel_size) for i in range(depth)
        )
        for parameter in self.convolutions[-1].parameters():
            nn.init.zeros_(parameter)
        self.activation = activation(act)
        self.contraction = contraction
        self.tolerance = tolerance
        self.max_iterations = max_iterations
        self.log_det_method = log_det_method
        self.log_det_terms = log_det_terms
        self.log_det_probes = log_det_probes

    def forward(self, x: Tensor) -> Tensor:
        """Add g(x) to x."""
        with torch.autocast(x.device.type, enabled=False):
            return x + self._residual(x, self._kernels())

    def inverse(self, y: Tensor) -> Tensor:
        """Solve x = y - g(x) by iteration from x = y; with a graph, every step is in it.

        Raises:
            RuntimeError: no convergence to `tolerance` within `max_iterations`.
        """
        tolerance = 4 * torch.finfo(y.dtype).eps if self.tolerance is None else self.tolerance
        with torch.autocast(y.device.type, enabled=False):
            kernels, x = self._kernels(), y
            change = float("inf")
            for _ in range(self.max_iterations):
                before, x = x, y - self._residual(x, kernels)
                change = _relative_change(before, x)
                if change <= tolerance:
                    return x
        raise RuntimeError(
            f"The inverse of a residual block did not converge: after {self.max_iterations} iterations a step still "
            f"changes x by {change:.2g} of its norm, expected at most {tolerance:.2g}. Raise max_iterations or "
            f"tolerance, or lower contraction ({self.contraction}); if the change is nan, look for it in the input."
        )

    def log_det(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Return log det(I + dg/dx) in nats, shape (B,), by `log_det_method`.

        The random vectors of the series come from a fixed seed, so that equal inputs give equal results; give a
        `generator`, on the device of x, for new ones at every call, as stochastic training needs.
        """
        return self.forward_and_log_det(x, generator=generator)[1]

    def forward_and_log_det(self, x: Tensor, *, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """See `Bijection.forward_and_log_det` and `log_det`."""
        wants_graph = torch.is_grad_enabled()
        with torch.autocast(x.device.type, enabled=False), torch.enable_grad():
            kernels = self._kernels()
            # A view, so that a leaf of the caller keeps its flag and its gradient.
            z = x.view_as(x) if x.requires_grad else x.detach().requires_grad_()
            shift = self._residual(z, kernels)
            if self.log_det_method == "exact":
                log_det = self._exact_log_det(x, kernels)
            else:
                log_det = self._series_log_det(z, shift, generator, wants_graph)
            y = x + shift
        return (y, log_det) if wants_graph else (y.detach(), log_det.detach())

    def _exact_log_det(self, x: Tensor, kernels: list[Tensor]) -> Tensor:
        size = x[0].numel()
        jacobian: Callable[..., Tensor] = torch.autograd.functional.jacobian
        jacobians = [
            jacobian(lambda z: z + self._residual(z, kernels), sample[None], create_graph=True).reshape(size, size)
            for sample in x
        ]
        log_det: Tensor = torch.linalg.slogdet(torch.stack(jacobians)).logabsdet
        return log_det

    def _series_log_det(self, x: Tensor, shift: Tensor, generator: torch.Generator | None, wants_graph: bool) -> Tensor:
        """Sum (-1)^(k+1) v^T J^k v / k over k, averaged over random signs v, where shift = g(x) with its graph."""
        if generator is None:
            generator = torch.Generator(x.device).manual_seed(PROBE_SEED)
        total = x.new_zeros(x.shape[0])
        for _ in range(self.log_det_probes):
            signs = torch.randint(0, 2, x.shape, generator=generator, device=x.device).to(x.dtype) * 2 - 1
            power = signs
            for k in range(1, self.log_det_terms + 1):
                (power,) = torch.autograd.grad(shift, x, power, retain_graph=True, create_graph=wants_graph)
                total = total - (-1) ** k / k * (power * signs).flatten(1).sum(1)
        return total / self.log_det_probes

    def _residual(self, x: Tensor, kernels: list[Tensor]) -> Tensor:
        for i, (layer, kernel) in enumerate(zip(self._layers(), kernels, strict=True)):
            convolve = CONVOLVE[kernel.dim() - 2]
            x = convolve(x if i == 0 else self.activation(x), kernel, layer.bias, padding=layer.padding)
        return x

    def _kernels(self) -> list[Tensor]:
        """Scale each kernel so that the product of the convolutions' norms is at most `contraction`."""
        limit = self.contraction ** (1 / len(self.convolutions))
        weights: list[Tensor] = [layer.weight for layer in self._layers()]
        return [weight * (limit / convolution_norm_bound(weight).clamp(min=limit)) for weight in weights]

    def _layers(self) -> list[Any]:
        return list(self.convolutions)


def _relative_change(before: Tensor, after: Tensor) -> float:
    """Return the largest change of a sample in parts of its norm; 0 where nothing changed."""
    with torch.no_grad():
        change, norm = (after - before).flatten(1).norm(dim=1), after.flatten(1).norm(dim=1)
        return float((change / norm.clamp(min=torch.finfo(norm.dtype).tiny)).max())


def _check(act: str, log_det_method: str, contraction: float, smallest_count: int) -> None:
    for name, value, choices in (
        ("act", act, get_args(NonExpansive)),
        ("log_det_method", log_det_method, get_args(LogDetMethod)),
    ):
        if value not in choices:
            raise ValueError(f"Unknown {name}={value!r}; choose one of {', '.join(map(repr, choices))}.")
    if not 0 < contraction < 1:
        raise ValueError(f"contraction={contraction}: expected a number above 0 and below 1, for an inverse.")
    if smallest_count < 1:
        raise ValueError(
            "Expected depth, max_iterations, log_det_terms and log_det_probes of at least 1, got "
            f"{smallest_count} for one."
        )
