"""Invertible U-Nets for medical images: train on whole volumes, in memory that does not grow with depth."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iunet_med.networks import InvertibleUNet, IUNet

__version__ = version("iunet-med")
__all__ = ["IUNet", "InvertibleUNet", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the networks when they are asked for: torch takes seconds, which `iunet-med --help` need not wait for."""
    if name in ("IUNet", "InvertibleUNet"):
        from iunet_med import networks

        return getattr(networks, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
