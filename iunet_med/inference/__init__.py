"""Runs trained networks over cases."""

from iunet_med.inference.flips import FlipInferer
from iunet_med.inference.pipeline import segment
from iunet_med.inference.sidecar import CaseResult

__all__ = ["CaseResult", "FlipInferer", "segment"]
