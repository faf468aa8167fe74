"""Invertible U-Nets and the conventional one, in torch alone."""

from iunet_med.networks.autocast import in_bfloat16
from iunet_med.networks.bits import BitsPerDim
from iunet_med.networks.dequantisation import VariationalDequantisation
from iunet_med.networks.flow import IUNetFlow
from iunet_med.networks.flow_transform import ImageTransform
from iunet_med.networks.identity_start import start_as_identity
from iunet_med.networks.invertible_unet import InvertibleUNet
from iunet_med.networks.iunet import IUNet
from iunet_med.networks.reach import network_reach
from iunet_med.networks.unet import UNet

__all__ = [
    "BitsPerDim",
    "IUNet",
    "IUNetFlow",
    "ImageTransform",
    "InvertibleUNet",
    "UNet",
    "VariationalDequantisation",
    "in_bfloat16",
    "network_reach",
    "start_as_identity",
]
