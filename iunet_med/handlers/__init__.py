"""Handlers of MONAI engines: checkpoints, seeds, early stopping and progress."""

from iunet_med.handlers.checkpoints import BestModel, LoadModel, TrainingState
from iunet_med.handlers.early_stop import EarlyStop
from iunet_med.handlers.epoch_seed import EpochSeed
from iunet_med.handlers.progress import ProgressBar

__all__ = ["BestModel", "EarlyStop", "EpochSeed", "LoadModel", "ProgressBar", "TrainingState"]
