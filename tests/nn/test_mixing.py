import pytest
import torch
from torch.nn import functional as F

from iunet_med.nn.mixing import ChannelMixing
from iunet_med.nn.orthogonal import random_orthogonal


def test_mixing_begins_as_the_identity() -> None:
    x = torch.randn(2, 5, 4, 3)
    torch.testing.assert_close(ChannelMixing(5)(x), x, rtol=0, atol=0)


@pytest.mark.parametrize("size", [(4,), (4, 3), (2, 3, 4)])
def test_mixing_is_a_convolution_of_kernel_size_one(size: tuple[int, ...]) -> None:
    mixing = ChannelMixing(5, init="random")
    convolve = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[len(size)]
    x = torch.randn(2, 5, *size)
    torch.testing.assert_close(mixing(x), convolve(x, mixing.matrix().reshape(5, 5, *[1] * len(size))))


def test_a_given_matrix_is_the_start() -> None:
    given = random_orthogonal(1, 4)[0]
    torch.testing.assert_close(ChannelMixing(4, init=given).double().matrix()[0], given)
    with pytest.raises(ValueError, match=r"of shape \(4, 4\).* got shape \(3, 3\)"):
        ChannelMixing(4, init=torch.eye(3))
