"""Invertible U-Nets, in torch alone."""

from iunet_med.networks.invertible_unet import InvertibleUNet
from iunet_med.networks.iunet import IUNet

__all__ = ["IUNet", "InvertibleUNet"]
