"""Activation normalisation: each channel is shifted and scaled, at first to mean 0 and deviation 1."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from iunet_med.nn.bijection import Bijection

SMALLEST_DEVIATION = 1e-6


class ActivationNorm(Bijection):
    """y = (x - shift) exp(log_scale), per channel; the first batch in training mode sets both by its statistics.

    Source: Kingma and Dhariwal 2018, https://arxiv.org/abs/1807.03039.

    >>> norm = ActivationNorm(2)
    >>> y = norm(torch.randn(8, 2, 4) * 5 + 3).detach()
    >>> abs(float(y.mean())) < 1e-5, abs(float(y.std(correction=0)) - 1) < 1e-4
    (True, True)
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(channels))
        self.log_scale = nn.Parameter(torch.zeros(channels))
        self.register_buffer("is_set", torch.tensor(False))
        self.is_set: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, *spatial) to the same shape."""
        if self.training and not self.is_set:
            self._set(x.detach())
        return (x - self._along(self.shift, x)) * torch.exp(self._along(self.log_scale, x))

    def inverse(self, y: Tensor) -> Tensor:
        """Undo `forward`."""
        return y * torch.exp(-self._along(self.log_scale, y)) + self._along(self.shift, y)

    def log_det(self, x: Tensor) -> Tensor:
        """Return the sum of the log-scales over all voxels, (B,)."""
        return (self.log_scale.sum() * x[0, 0].numel()).expand(x.shape[0])

    @torch.no_grad()
    def _set(self, x: Tensor) -> None:
        along = [axis for axis in range(x.ndim) if axis != 1]
        self.shift.copy_(x.mean(along))
        self.log_scale.copy_(-torch.log(x.std(along, correction=0).clamp_min(SMALLEST_DEVIATION)))
        self.is_set.fill_(True)

    @staticmethod
    def _along(values: Tensor, x: Tensor) -> Tensor:
        return values.reshape(1, -1, *[1] * (x.ndim - 2))
