"""Runs trained networks over cases."""

from iunet_med.inference.flips import FlipInferer

__all__ = ["FlipInferer"]
