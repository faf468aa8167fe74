"""Invertible U-Nets for medical images: train on whole volumes, in memory that does not grow with depth."""

from importlib.metadata import version

from iunet_med.networks import InvertibleUNet, IUNet

__version__ = version("iunet-med")
__all__ = ["IUNet", "InvertibleUNet", "__version__"]
