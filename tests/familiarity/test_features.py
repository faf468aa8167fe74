"""Features are those of a window in the middle, of every level."""

import pytest
import torch
from torch import nn

from iunet_med import IUNet
from iunet_med.familiarity import pooled_features


def network() -> IUNet:
    torch.manual_seed(0)
    return IUNet(2, 1, 2, (4, 8)).eval()


def test_features_are_mean_and_deviation_of_each_code() -> None:
    net, image = network(), torch.rand(1, 16, 16)
    codes = net.unet.encode(net.lift(image[None]))
    expected = torch.cat([torch.cat([c[0].flatten(1).mean(1), c[0].flatten(1).std(1, correction=0)]) for c in codes])
    torch.testing.assert_close(pooled_features(net, image, size=(16, 16)), expected.double())


def test_what_lies_outside_of_the_window_does_not_matter() -> None:
    net, image = network(), torch.zeros(1, 20, 12)
    image[:, 4:-4] = torch.rand(1, 12, 12)
    padded = torch.nn.functional.pad(image[:, 2:-2], (2, 2))
    torch.testing.assert_close(pooled_features(net, image, size=(16, 16)), pooled_features(net, padded, size=(16, 16)))


def test_other_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="by the codes of an IUNet, got a Conv2d"):
        pooled_features(nn.Conv2d(1, 1, 1), torch.rand(1, 8, 8), size=(8, 8))
