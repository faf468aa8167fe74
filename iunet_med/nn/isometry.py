"""Bijections that multiply vectors of values by learnable orthogonal matrices."""

from abc import abstractmethod
from contextlib import AbstractContextManager, nullcontext
from typing import Any, get_args

import torch
from torch import Tensor, nn

from iunet_med.nn.autocast import is_autocast
from iunet_med.nn.bijection import Bijection, zero_log_det
from iunet_med.nn.exact_sums import pull_back_to_grid, push_on_grid, rounds, to_grid
from iunet_med.nn.orthogonal import OrthogonalMap, orthogonal_map, polished
from iunet_med.nn.vjp import BackwardState, Gradients, Tape


class Isometry(Bijection):
    """y = M x for every vector x that a subclass cuts from the input; it keeps the norm, so its log-det is zero.

    The matrices are `start @ rotation(weight)`; the weight begins at zero, so the layer begins at its start exactly.
    Where no gradient is wanted in evaluation mode they are computed once and kept in the buffer `cached_matrix` for as
    long as `start` and `weight` hold the same values. A trace, and an export with `torch.export` or ONNX, contain that
    buffer; `eval()` brings it up to date.

    Args:
        start: orthogonal matrices, (matrices, n, n).
        orthogonal: the map from weights to rotations.
        learnable: False fixes the weight; the state dict has the same entries.
        on_grid: in training under autocast, round the results to the grid of `iunet_med.nn.exact_sums`, so that
            reversible backpropagation rebuilds an input on the grid bit for bit, at one byte of memory per value.

    >>> from iunet_med.nn import ChannelMixing
    >>> x, isometry = torch.randn(1, 4, 6), ChannelMixing(4)
    >>> isometry.inverse(isometry(x)).allclose(x, atol=1e-5)
    True
    """

    start: Tensor
    cached_matrix: Tensor
    cached_start: Tensor
    cached_weight: Tensor
    map_number: Tensor

    def __init__(self, start: Tensor, *, orthogonal: OrthogonalMap, learnable: bool, on_grid: bool) -> None:
        super().__init__()
        self.on_grid = on_grid
        self.rotation = orthogonal_map(orthogonal)
        dtype = torch.get_default_dtype()
        self.weight = nn.Parameter(torch.zeros_like(start, dtype=dtype), requires_grad=learnable)
        self.register_buffer("start", start.to(dtype))
        # Buffers of fixed shapes, so that all processes of a distributed training hold the same.
        for name in ("cached_matrix", "cached_start", "cached_weight"):
            self.register_buffer(name, torch.full_like(self.start, torch.nan), persistent=False)
        self._map = get_args(OrthogonalMap).index(orthogonal)  # also where the buffer was emptied
        self.register_buffer("map_number", torch.tensor(self._map, dtype=torch.uint8))
        self._cached_in: torch.dtype | None = None

    @abstractmethod
    def _input_vectors(self, x: Tensor) -> Tensor:
        """Cut an input into vectors: (B, matrices, n, vectors)."""

    @abstractmethod
    def _input(self, vectors: Tensor, output_shape: list[int]) -> Tensor:
        """Join vectors to the input whose output has that shape."""

    @abstractmethod
    def _output_vectors(self, y: Tensor) -> Tensor:
        """Cut an output into vectors: (B, matrices, n, vectors)."""

    @abstractmethod
    def _output(self, vectors: Tensor, input_shape: list[int]) -> Tensor:
        """Join vectors to the output whose input has that shape."""

    def matrix(self) -> Tensor:
        """Return the orthogonal matrices, (matrices, n, n)."""
        if self.training:
            if torch.compiler.is_exporting() or torch.onnx.is_in_onnx_export():
                raise RuntimeError("Expected a network in evaluation mode to export; call .eval() before.")
            return self._computed()
        if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
            return self.cached_matrix
        if torch.compiler.is_compiling():
            # Dynamo compiles for weights that may change, an export is for these weights.
            return self._computed() if torch.compiler.is_dynamo_compiling() else self.cached_matrix
        # Tensors of other types stand for values that cannot be read: fake, batched or dual ones.
        readable = type(self.weight) is nn.Parameter and not self.weight.is_meta
        if not readable or (torch.is_grad_enabled() and self.weight.requires_grad):
            return self._computed()
        self._update()
        return self.cached_matrix

    def train(self, mode: bool = True) -> "Isometry":
        """Set the mode; the matrices for evaluation are computed here, for an export to find."""
        super().train(mode)
        self._prepare()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Multiply each vector of the input by its matrix."""
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            return self._output(self._computed() @ self._input_vectors(x), list(x.shape))
        else:  # noqa: RET505  (TorchScript would compile it without the else)
            with _full_precision(x):
                y = self._output(self.matrix() @ self._input_vectors(x), list(x.shape))
            return to_grid(y) if self._rounds(x) else y

    def inverse(self, y: Tensor) -> Tensor:
        """Multiply each vector of the output by the transpose of its matrix."""
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            return self._input(self._computed().mT @ self._output_vectors(y), list(y.shape))
        else:  # noqa: RET505
            with _full_precision(y):
                x = self._input(self.matrix().transpose(-2, -1) @ self._output_vectors(y), list(y.shape))
            return to_grid(x) if self._rounds(y) else x

    def log_det(self, x: Tensor) -> Tensor:
        """Return zeros of shape (B,)."""
        return zero_log_det(x)

    def push(self, x: Tensor, tape: Tape) -> Tensor:
        """See `Bijection.push`."""
        return push_on_grid(self, self.inverse, x, tape) if self._rounds(x) else super().push(x, tape)

    def push_inverse(self, y: Tensor, tape: Tape) -> Tensor:
        """See `Bijection.push_inverse`."""
        return push_on_grid(self.inverse, self, y, tape) if self._rounds(y) else super().push_inverse(y, tape)

    def pull_back(self, state: BackwardState) -> None:
        """See `Bijection.pull_back`; in closed form: x = M^T y and grad_x = M^T grad_y."""
        y, grad_y = state.take()
        on_grid = self._rounds(y)
        with _full_precision(y):
            matrix, shape = self.matrix(), list(y.shape)
            inputs = matrix.mT @ self._output_vectors(y)
            del y
            grad_outputs = self._output_vectors(grad_y)
            del grad_y
            self._add_gradient(grad_outputs, inputs, state.gradients)
            x = self._input(inputs, shape)
            del inputs
            if on_grid:
                x = pull_back_to_grid(x, state.tape)
            grad_inputs = matrix.mT @ grad_outputs
            del grad_outputs
            state.put(x, self._input(grad_inputs, shape))

    def pull_back_inverse(self, state: BackwardState) -> None:
        """See `Bijection.pull_back_inverse`; in closed form: y = M x and grad_y = M grad_x."""
        x, grad_x = state.take()
        on_grid = self._rounds(x)
        with _full_precision(x):
            matrix, shape = self.matrix(), list(x.shape)
            outputs = matrix @ self._input_vectors(x)
            del x
            grad_inputs = self._input_vectors(grad_x)
            del grad_x
            self._add_gradient(outputs, grad_inputs, state.gradients)
            y = self._output(outputs, shape)
            del outputs
            if on_grid:
                y = pull_back_to_grid(y, state.tape)
            state.put(y, self._output(matrix @ grad_inputs, shape))

    def _rounds(self, x: Tensor) -> bool:
        return self.on_grid and rounds(self, x)

    def _computed(self) -> Tensor:
        # A start that was rounded to another type becomes orthogonal to this type's precision.
        if self.weight.dtype == torch.float16 or self.weight.dtype == torch.bfloat16:
            return polished(self.start.float()) @ self.rotation(self.weight.float())
        return polished(self.start) @ self.rotation(self.weight)

    def _update(self) -> None:
        """Compute `cached_matrix` unless it belongs to the present values.

        The values are compared, because a change through `.data` leaves no trace in a version counter.
        """
        known = (
            self._cached_in == self.weight.dtype
            and torch.equal(self.cached_start, self.start)
            and torch.equal(self.cached_weight, self.weight)
        )
        if not known:
            with torch.inference_mode(False), torch.no_grad():
                self.cached_matrix = self._computed()
                self.cached_start, self.cached_weight = self.start.clone(), self.weight.detach().clone()
            self._cached_in = self.weight.dtype

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        known = state_dict.setdefault(
            f"{prefix}map_number", torch.tensor(self._map, dtype=torch.uint8)
        )  # not in older files
        maps = get_args(OrthogonalMap)
        if not known.is_meta and int(known) != self._map:
            errors: list[str] = args[-1]
            errors.append(
                f"{prefix}weight: expected weights for the map {maps[self._map]!r}, got those for "
                f"{maps[int(known)]!r}, which mean other matrices; build the network with "
                f"resampling={maps[int(known)]!r}."
            )
            return
        super()._load_from_state_dict(state_dict, prefix, *args)
        self._prepare()

    def _prepare(self) -> None:
        if not self.training:
            with torch.no_grad():
                self.matrix()

    def _add_gradient(self, rows: Tensor, columns: Tensor, gradients: Gradients) -> None:
        """Pull the gradient of the matrices, rows columns^T summed over batch and vectors, back to the weight."""
        if not self.weight.requires_grad:
            return
        grad_matrix = (rows @ columns.mT).sum(0)
        with torch.enable_grad():
            matrix = self._computed()
        gradients.add([self.weight], torch.autograd.grad(matrix, self.weight, grad_matrix))


def _full_precision(x: Tensor) -> AbstractContextManager[object]:
    """Switch autocast off where it is on: a product in a low type would lose what the inverse needs."""
    return torch.autocast(x.device.type, enabled=False) if is_autocast(x) else nullcontext()
