"""Invertible U-Nets and the conventional one, in torch alone."""

from iunet_med.networks.flow import IUNetFlow
from iunet_med.networks.invertible_unet import InvertibleUNet
from iunet_med.networks.iunet import IUNet
from iunet_med.networks.reach import network_reach
from iunet_med.networks.unet import UNet

__all__ = ["IUNet", "IUNetFlow", "InvertibleUNet", "UNet", "network_reach"]
