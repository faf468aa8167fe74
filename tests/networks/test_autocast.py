"""A network in bfloat16 gives float32 out, near its own output, and gradients in its own type."""

import torch

from iunet_med.networks import IUNet, in_bfloat16


def test_it_computes_in_bfloat16_and_gives_float32() -> None:
    torch.manual_seed(0)
    network, x = IUNet(3, 1, 2, (4, 8)), torch.randn(1, 1, 8, 8, 8)
    exact = network(x)
    rounded = in_bfloat16(network)(x)
    assert rounded.dtype == torch.float32
    assert 0 < (rounded - exact).norm() / exact.norm() < 0.05
    rounded.square().mean().backward()
    assert {parameter.grad.dtype for parameter in network.parameters() if parameter.grad is not None} == {torch.float32}
