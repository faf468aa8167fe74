"""An IUNetFlow as a transform of torch.distributions, to compose with other flows, such as zuko's."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.distributions import constraints
from torch.distributions.transforms import Transform

from iunet_med.networks.flow import IUNetFlow


class ImageTransform(Transform):
    """Images (B, C, *spatial) <-> the codes of a flow, with log |det|.

    `TransformedDistribution(base, [ImageTransform(flow).inv])` of torch is a density on images, whatever density on
    codes the base is, and so is `NormalizingFlow(ImageTransform(flow), base)` of zuko; gradients reach the flow.

    >>> import torch
    >>> from torch.distributions import Independent, Normal, TransformedDistribution
    >>> flow = IUNetFlow((1, 8, 8), levels=2)
    >>> base = Independent(Normal(torch.zeros(4, 4, 4), 1.0), 3)
    >>> TransformedDistribution(base, [ImageTransform(flow).inv]).log_prob(torch.rand(5, 1, 8, 8)).shape
    torch.Size([5])
    """

    bijective = True

    def __init__(self, flow: IUNetFlow) -> None:
        super().__init__()
        self.flow = flow
        self.domain = self.codomain = constraints.independent(constraints.real, len(flow.shape))  # type: ignore[no-untyped-call]

    def call_and_ladj(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return codes and log |det| in one pass; the name is zuko's."""
        return self.flow.forward_and_log_det(x)

    def _call(self, x: Tensor) -> Tensor:
        return self.flow.forward_and_log_det(x)[0]

    def _inverse(self, y: Tensor) -> Tensor:
        return self.flow.inverse(y)

    def log_abs_det_jacobian(self, x: Tensor, _y: Any) -> Tensor:
        """Return log |det| in nats, (B,)."""
        return self.flow.forward_and_log_det(x)[1]

    def forward_shape(self, shape: Any) -> Any:
        """The shape of the codes of images of a shape."""
        return (*shape[: len(shape) - len(self.flow.shape)], *self.flow.code_shape)

    def inverse_shape(self, shape: Any) -> Any:
        """The shape of the images of codes of a shape."""
        return (*shape[: len(shape) - len(self.flow.shape)], *self.flow.shape)
