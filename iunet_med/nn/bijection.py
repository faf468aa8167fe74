"""A bijection is a module with a forward map, its inverse and the log-determinant of its Jacobian."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from iunet_med.nn.parts import Parts, joined
from iunet_med.nn.vjp import BackwardState, Evaluation, Tape


class Bijection(nn.Module, ABC):
    """An invertible map between tensors of shape (B, C, *spatial).

    `push` and `pull_back` are what reversible backpropagation (`iunet_med.nn.engine`) needs. Those given here
    serve every bijection, at the price of one inverse and one forward evaluation; a subclass whose input and gradient
    come cheaper from its output overrides them.

    >>> import torch
    >>> from iunet_med.nn import OrthogonalDownsampling
    >>> down = OrthogonalDownsampling(1, (2,))
    >>> x = torch.randn(1, 1, 4)
    >>> down.inverse(down(x)).allclose(x, atol=1e-5)
    True
    """

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, *spatial) to (B, C', *spatial')."""

    @abstractmethod
    def inverse(self, y: Tensor) -> Tensor:
        """Map (B, C', *spatial') back to (B, C, *spatial)."""

    @abstractmethod
    def log_det(self, x: Tensor) -> Tensor:
        """Return log |det dy/dx| in nats, shape (B,); zero for volume-preserving maps."""

    def forward_and_log_det(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return `forward(x)` and `log_det(x)`; compositions and couplings evaluate each function once for both.

        >>> import torch
        >>> from iunet_med.nn import OrthogonalDownsampling
        >>> y, log_det = OrthogonalDownsampling(2, (2, 2)).forward_and_log_det(torch.zeros(1, 2, 4, 4))
        >>> y.shape, log_det
        (torch.Size([1, 8, 2, 2]), tensor([0.]))
        """
        y: Tensor = self(x)
        return y, self.log_det(x)

    def push(self, x: Parts, tape: Tape) -> Parts:
        """Evaluate `forward` without a graph, and lay on `tape` what cannot be told from the output."""
        return [self(joined(x))]

    def push_inverse(self, y: Parts, tape: Tape) -> Parts:
        """Do for `inverse` what `push` does for `forward`."""
        return [self.inverse(joined(y))]

    def pull_back(self, state: BackwardState) -> None:
        """Replace the output and its gradient in `state` by the input and its gradient.

        Takes from the state's tape what `push` laid there and adds the gradients of the parameters to the state's.
        """
        y, grad_y = map(joined, state.take())
        x = self.inverse(y)
        evaluation = Evaluation(self, self.forward, x)
        grad_x, grads = evaluation.pull_back(grad_y)
        state.gradients.add(evaluation.parameters, grads)
        state.put([x], [grad_x])

    def pull_back_inverse(self, state: BackwardState) -> None:
        """Do for `inverse`, whose output is in `state`, what `pull_back` does for `forward`."""
        x, grad_x = map(joined, state.take())
        y: Tensor = self(x)
        evaluation = Evaluation(self, self.inverse, y)
        grad_y, grads = evaluation.pull_back(grad_x)
        state.gradients.add(evaluation.parameters, grads)
        state.put([y], [grad_y])


class Inverse(Bijection):
    """The inverse of a bijection, as a bijection: upsampling is `Inverse(downsampling)`.

    >>> import torch
    >>> from iunet_med.nn import OrthogonalDownsampling
    >>> Inverse(OrthogonalDownsampling(1, (2,)))(torch.zeros(1, 2, 4)).shape
    torch.Size([1, 1, 8])
    """

    def __init__(self, bijection: Bijection) -> None:
        super().__init__()
        self.bijection = bijection

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C', *spatial') to (B, C, *spatial)."""
        return self.bijection.inverse(x)

    def inverse(self, y: Tensor) -> Tensor:
        """Map (B, C, *spatial) to (B, C', *spatial')."""
        x: Tensor = self.bijection(y)
        return x

    def log_det(self, x: Tensor) -> Tensor:
        """Return minus the log-determinant of the inverted bijection, shape (B,)."""
        return self.forward_and_log_det(x)[1]

    def forward_and_log_det(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """See `Bijection.forward_and_log_det`."""
        y = self(x)
        return y, -self.bijection.log_det(y)

    def push(self, x: Parts, tape: Tape) -> Parts:
        """See `Bijection.push`."""
        return self.bijection.push_inverse(x, tape)

    def pull_back(self, state: BackwardState) -> None:
        """See `Bijection.pull_back`."""
        self.bijection.pull_back_inverse(state)


def zero_log_det(x: Tensor) -> Tensor:
    """Return the log-determinant of a volume-preserving map: zeros of shape (B,)."""
    return x.new_zeros(x.shape[0])
