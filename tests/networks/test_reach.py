"""The reach of networks that say it, of MONAI's, and of those that do not."""

import pytest
import torch
from monai.networks.nets import DynUNet, SegResNet, UNet
from torch import nn

from iunet_med.networks import IUNet, network_reach

PLAIN = {"spatial_dims": 3, "in_channels": 1, "out_channels": 1}


@pytest.mark.parametrize(
    ("network", "reach"),
    [
        (IUNet(**PLAIN, channels=[4, 8, 16]), (4, 4, 4)),
        (UNet(**PLAIN, channels=[2, 4, 8], strides=[2, (1, 2, 2)]), (2, 4, 4)),
        (SegResNet(init_filters=8, blocks_down=[1, 1, 1, 1]), (8, 8, 8)),
        (SegResNet(spatial_dims=2, init_filters=8, blocks_down=[1, 1], blocks_up=[1]), (2, 2)),
        (
            DynUNet(**PLAIN, kernel_size=[3] * 3, strides=[1, 2, (2, 2, 1)], upsample_kernel_size=[2, (2, 2, 1)]),
            (4, 4, 2),
        ),
    ],
    ids=["iunet", "unet", "segresnet", "segresnet 2D", "dynunet"],
)
def test_reach_is_what_one_voxel_of_the_lowest_level_stands_for(network: nn.Module, reach: tuple[int, ...]) -> None:
    assert network_reach(network) == reach


def test_a_network_that_does_not_say_it_is_told_what_to_set() -> None:
    with pytest.raises(ValueError, match=r'Linear does not say which size .*; set .* --reach "\[16, 16, 16\]"'):
        network_reach(torch.nn.Linear(1, 1))
