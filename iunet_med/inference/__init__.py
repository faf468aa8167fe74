"""Runs trained networks over cases."""

from iunet_med.inference.options import Options
from iunet_med.inference.results.sidecar import CaseResult
from iunet_med.inference.run import segment
from iunet_med.inference.windows.flips import FlipInferer

__all__ = ["CaseResult", "FlipInferer", "Options", "segment"]
