"""torch.hub finds the networks in a checkout."""

from pathlib import Path

import torch

from iunet_med import IUNet

REPOSITORY = Path(__file__).parents[1]


def test_hub_makes_the_networks_of_a_checkout() -> None:
    make = {"spatial_dims": 2, "in_channels": 1, "out_channels": 2, "channels": (4, 8)}
    net = torch.hub.load(str(REPOSITORY), "iunet", source="local", **make)
    assert net.state_dict().keys() == IUNet(**make).state_dict().keys()
    assert torch.hub.load(
        str(REPOSITORY), "invertible_unet", source="local", spatial_dims=1, channels=(4, 8)
    ).reach == (2,)
