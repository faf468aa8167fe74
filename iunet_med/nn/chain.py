"""Bijections compose: one after the other, or on a part of the channels."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from iunet_med.nn.bijection import Bijection
from iunet_med.nn.parts import Parts, are_halves, channels_of, memory_format, split_last
from iunet_med.nn.vjp import BackwardState, Tape


class Chain(nn.Sequential, Bijection):
    """Bijections applied one after the other, each named by its keyword: `Chain(down=..., level=..., up=...)`.

    >>> from iunet_med.nn import Inverse, OrthogonalDownsampling
    >>> down = OrthogonalDownsampling(1, (2,))
    >>> x = torch.randn(1, 1, 4)
    >>> Chain(down=down, up=Inverse(down))(x).allclose(x, atol=1e-5)
    True
    """

    def __init__(self, **bijections: Bijection) -> None:
        super().__init__(OrderedDict(bijections))

    def forward(self, x: Tensor) -> Tensor:
        """Apply the bijections in their order."""
        for bijection in self:
            x = bijection(x)
        return x

    def inverse(self, y: Tensor) -> Tensor:
        """Apply the inverses in reverse order."""
        for bijection in reversed(self._bijections()):
            y = bijection.inverse(y)
        return y

    def log_det(self, x: Tensor) -> Tensor:
        """Return the sum of the log-determinants along the way, shape (B,)."""
        return self.forward_and_log_det(x)[1]

    def forward_and_log_det(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """See `Bijection.forward_and_log_det`."""
        total = x.new_zeros(x.shape[0])
        for bijection in self._bijections():
            x, log_det = bijection.forward_and_log_det(x)
            total = total + log_det
        return x, total

    def push(self, x: Parts, tape: Tape) -> Parts:
        """See `Bijection.push`."""
        for bijection in self._bijections():
            x = bijection.push(x, tape)
        return x

    def pull_back(self, state: BackwardState) -> None:
        """See `Bijection.pull_back`."""
        for bijection in reversed(self._bijections()):
            bijection.pull_back(state)

    def _bijections(self) -> list[Bijection]:
        return list(self)  # type: ignore[arg-type]


class OnLastChannels(Bijection):
    """Send the last `channels` channels through a bijection and leave the others alone: the skip connection.

    The inner bijection must return as many channels as it takes.

    >>> from iunet_med.nn import ChannelMixing
    >>> OnLastChannels(2, ChannelMixing(2))(torch.zeros(1, 5, 3)).shape
    torch.Size([1, 5, 3])
    """

    def __init__(self, channels: int, inner: Bijection) -> None:
        super().__init__()
        self.channels = channels
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, *spatial) to the same shape, C >= channels."""
        kept, sent = self.split(x)
        return torch.cat([kept, self.inner(sent)], 1)

    def inverse(self, y: Tensor) -> Tensor:
        """Undo `forward`."""
        kept, sent = self.split(y)
        return torch.cat([kept, self.inner.inverse(sent)], 1)

    def log_det(self, x: Tensor) -> Tensor:
        """Return the log-determinant of the inner bijection, shape (B,)."""
        return self.inner.log_det(self.split(x)[1])

    def forward_and_log_det(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """See `Bijection.forward_and_log_det`."""
        kept, sent = self.split(x)
        y, log_det = self.inner.forward_and_log_det(sent)
        return torch.cat([kept, y], 1), log_det

    def push(self, x: Parts, tape: Tape) -> Parts:
        """See `Bijection.push`."""
        kept, sent = split_last(x, self.channels)
        return _with_last(x, kept, self.inner.push([sent], tape))

    def pull_back(self, state: BackwardState) -> None:
        """See `Bijection.pull_back`."""
        y, grad_y = state.take()
        kept, sent = split_last(y, self.channels)
        grad_kept, grad_sent = split_last(grad_y, self.channels)
        state.put([sent], [grad_sent])
        del sent, grad_sent
        self.inner.pull_back(state)
        sent_parts, grad_parts = state.take()
        state.put(_with_last(y, kept, sent_parts), _with_last(grad_y, grad_kept, grad_parts))

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the channels that are left alone and those that are sent through the inner bijection."""
        kept = x.shape[1] - self.channels
        return x[:, :kept], x[:, kept:]


def _with_last(whole: Parts, kept: Parts, last: Parts) -> Parts:
    """Return `whole` with other last channels, written into its own memory where that is the engine's."""
    channels = channels_of(last)
    if not are_halves(whole) or whole[-1].shape[1] < channels:
        return [*(part.clone(memory_format=memory_format(part)) for part in kept), *last]
    target = whole[-1][:, -channels:]
    for part, place in zip(last, torch.split(target, [part.shape[1] for part in last], 1), strict=True):
        place.copy_(part)
    return whole
