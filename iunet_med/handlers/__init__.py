"""Handlers of MONAI engines: checkpoints and progress."""

from iunet_med.handlers.checkpoints import BestModel, LoadModel, TrainingState
from iunet_med.handlers.progress import ProgressBar

__all__ = ["BestModel", "LoadModel", "ProgressBar", "TrainingState"]
