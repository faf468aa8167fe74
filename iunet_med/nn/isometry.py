"""Bijections that multiply vectors of values by learnable orthogonal matrices."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from math import gcd
from typing import Any

import torch
from torch import Tensor

from iunet_med.nn.bijection import zero_log_det
from iunet_med.nn.exact_sums import pull_back_to_grid, push_on_grid, rounds, to_grid
from iunet_med.nn.fixed_point import observe
from iunet_med.nn.learned_matrices import LearnedMatrices
from iunet_med.nn.orthogonal import OrthogonalMap
from iunet_med.nn.parts import Parts, regrouped
from iunet_med.nn.surroundings import full_precision
from iunet_med.nn.vjp import BackwardState, Tape

PIECES = 256
"""Products that a GPU makes at once of one long one; `python -m benchmarks --tables kernels` times both."""
_Product = Callable[[Tensor, Tensor], Tensor]


class Isometry(LearnedMatrices):
    """y = M x for every vector x that a subclass cuts from the input; it keeps the norm, so its log-det is zero.

    Args:
        start, orthogonal, learnable: see `LearnedMatrices`.
        on_grid: in training under autocast, round the results to the grid of `iunet_med.nn.exact_sums`, so that
            reversible backpropagation rebuilds an input on the grid bit for bit, at one byte of memory per value.

    Attributes:
        descends: by how many levels of a U the output lies lower than the input.

    >>> from iunet_med.nn import ChannelMixing
    >>> x, isometry = torch.randn(1, 4, 6), ChannelMixing(4)
    >>> isometry.inverse(isometry(x)).allclose(x, atol=1e-5)
    True
    """

    descends = 0

    def __init__(self, start: Tensor, *, orthogonal: OrthogonalMap, learnable: bool, on_grid: bool) -> None:
        super().__init__(start, orthogonal=orthogonal, learnable=learnable)
        self.on_grid = on_grid

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

    def forward(self, x: Tensor) -> Tensor:
        """Multiply each vector of the input by its matrix."""
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            return self._output(self._computed() @ self._input_vectors(x), list(x.shape))
        else:  # noqa: RET505  (TorchScript would compile it without the else)
            return self._times(self.matrix(), x)

    def inverse(self, y: Tensor) -> Tensor:
        """Multiply each vector of the output by the transpose of its matrix."""
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            return self._input(self._computed().mT @ self._output_vectors(y), list(y.shape))
        else:  # noqa: RET505
            return self._times_transposed(self.matrix(), y)

    def log_det(self, x: Tensor) -> Tensor:
        """Return zeros of shape (B,)."""
        return zero_log_det(x)

    def push(self, x: Parts, tape: Tape) -> Parts:
        """See `Bijection.push`."""
        return self._push(x, tape, inverse=False)

    def push_inverse(self, y: Parts, tape: Tape) -> Parts:
        """See `Bijection.push_inverse`."""
        return self._push(y, tape, inverse=True)

    def pull_back(self, state: BackwardState) -> None:
        """See `Bijection.pull_back`; in closed form: x = M^T y and grad_x = M^T grad_y."""
        self._pull_back(state, inverse=False)

    def pull_back_inverse(self, state: BackwardState) -> None:
        """See `Bijection.pull_back_inverse`; in closed form: y = M x and grad_y = M grad_x."""
        self._pull_back(state, inverse=True)

    def _push(self, parts: Parts, tape: Tape, *, inverse: bool) -> Parts:
        matrices, parts = self._groups(parts, tape)
        level = tape.level
        tape.level += -self.descends if inverse else self.descends
        results = []
        for group, (matrix, part) in enumerate(zip(matrices, parts, strict=True)):
            there, back = (partial(times, matrix) for times in self._products(inverse=inverse))
            if tape.stream is not None:
                results.append(self._push_in_steps(part, tape, level, group, inverse=inverse))
            elif self._rounds(part):
                results.append(push_on_grid(there, back, part, tape))
            else:
                results.append(there(part))
        return results

    def _pull_back(self, state: BackwardState, *, inverse: bool) -> None:
        values, grads = state.take()
        matrices, values = self._groups(values, state.tape)
        grads = regrouped(grads, len(matrices))
        level = state.tape.level
        state.tape.level += self.descends if inverse else -self.descends
        results: list[tuple[Tensor, Tensor, Tensor | None]] = []
        on_grid = self._rounds(values[0])
        with full_precision(values[0]):
            for group in reversed(range(len(matrices))):
                value, grad = values.pop(), grads.pop()
                if state.tape.stream is not None:
                    result = self._pull_in_steps(value, grad, state.tape, level, group, inverse=inverse)
                else:
                    pull_part = self._pull_inverse_part if inverse else self._pull_part
                    result = pull_part(matrices[group], value, grad)
                    if on_grid:
                        result = pull_back_to_grid(result[0], state.tape), *result[1:]
                results.insert(0, result)
                del value, grad, result
        if self.weight.requires_grad:
            grad_matrix = torch.cat([grad for _, _, grad in results if grad is not None])
            state.gradients.add([state.tape.matrices[self]], [grad_matrix])
        state.put([value for value, _, _ in results], [grad for _, grad, _ in results])

    def _push_in_steps(self, x: Tensor, tape: Tape, level: int, group: int, *, inverse: bool) -> Tensor:
        """Return the turned state in steps, int16, and lay what the way back misses of it on the tape, int8."""
        stream: Any = tape.stream
        there, back = self._products(inverse=inverse)
        matrix = self._groups_of(tape)[group]
        ratio = stream.steps[level] / stream.steps[tape.level]
        y = torch.round(there(matrix, x.float()) * ratio).to(torch.int32)
        observe(y, stream.largest[tape.level])
        y = y.to(torch.int16)
        tape.append((x - torch.round(back(matrix, y.float()) / ratio)).to(torch.int8))
        return y

    def _pull_in_steps(
        self, y: Tensor, grad: Tensor, tape: Tape, level: int, group: int, *, inverse: bool
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Undo `_push_in_steps`, from `level` back to the tape's; return what `_pull_part` does."""
        stream: Any = tape.stream
        pull_part = self._pull_inverse_part if inverse else self._pull_part
        value, grad, grad_matrix = pull_part(self._groups_of(tape)[group], y.float(), grad)
        missed: Tensor = tape.pop()
        value = torch.round(value / (stream.steps[tape.level] / stream.steps[level])).add_(missed).to(torch.int16)
        return value, grad, None if grad_matrix is None else grad_matrix * stream.steps[level]

    def _products(self, *, inverse: bool) -> tuple[_Product, _Product]:
        """Return the products with the matrices and with their transposes, or the other way round."""
        return (self._times_transposed, self._times) if inverse else (self._times, self._times_transposed)

    def _groups_of(self, tape: Tape) -> Sequence[Tensor]:
        """Return the matrices of each half of the vectors, or of all."""
        if self not in tape.matrices:
            tape.matrices[self] = self.matrix()
        matrices = tape.matrices[self].detach()
        return matrices.chunk(2 if len(matrices) % 2 == 0 else 1)

    def _groups(self, parts: Parts, tape: Tape) -> tuple[Sequence[Tensor], Parts]:
        """Return `_groups_of` and the parts that belong to each."""
        matrices = self._groups_of(tape)
        return matrices, list(regrouped(parts, len(matrices)))

    def _times(self, matrix: Tensor, x: Tensor) -> Tensor:
        with full_precision(x):
            y = self._output(matrix @ self._input_vectors(x), list(x.shape))
        return to_grid(y) if self._rounds(x) else y

    def _times_transposed(self, matrix: Tensor, y: Tensor) -> Tensor:
        with full_precision(y):
            x = self._input(matrix.transpose(-2, -1) @ self._output_vectors(y), list(y.shape))
        return to_grid(x) if self._rounds(y) else x

    def _pull_part(self, matrix: Tensor, y: Tensor, grad_y: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        inputs, grad_outputs = matrix.mT @ self._output_vectors(y), self._output_vectors(grad_y)
        grad_matrix = self._outer_sum(grad_outputs, inputs)
        x = self._input(inputs, list(y.shape))
        del inputs
        return x, self._input(matrix.mT @ grad_outputs, list(y.shape)), grad_matrix

    def _pull_inverse_part(self, matrix: Tensor, x: Tensor, grad_x: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        outputs, grad_inputs = matrix @ self._input_vectors(x), self._input_vectors(grad_x)
        grad_matrix = self._outer_sum(outputs, grad_inputs)
        y = self._output(outputs, list(x.shape))
        del outputs
        return y, self._output(matrix @ grad_inputs, list(x.shape)), grad_matrix

    def _outer_sum(self, rows: Tensor, columns: Tensor) -> Tensor | None:
        """Return rows columns^T, summed over batch and vectors: the gradient of the matrices."""
        if not self.weight.requires_grad:
            return None
        if rows.is_cuda:
            # One product per matrix is long and thin, which keeps a GPU waiting; so it is made of many short ones.
            pieces = gcd(rows.shape[-1], PIECES)
            rows, columns = (x.reshape(*x.shape[:-1], pieces, -1).transpose(2, 3) for x in (rows, columns))
            return (rows @ columns.mT).sum((0, 2))
        return (rows @ columns.mT).sum(0)

    def _rounds(self, x: Tensor) -> bool:
        return self.on_grid and rounds(self, x)
