"""Handlers of MONAI engines: checkpoints, averaged weights, seeds, stops, progress and pictures."""

from iunet_med.handlers.checkpoints import BestModel, LastModel, LoadModel, TrainingState
from iunet_med.handlers.early_stop import EarlyStop
from iunet_med.handlers.epoch_seed import EpochSeed
from iunet_med.handlers.finite import StopUnlessFinite
from iunet_med.handlers.invertible import StopUnlessInvertible
from iunet_med.handlers.progress import ProgressBar
from iunet_med.handlers.slice_picture import SlicePicture
from iunet_med.handlers.weight_average import AverageWeights, WeightAverage

__all__ = [
    "AverageWeights",
    "BestModel",
    "EarlyStop",
    "EpochSeed",
    "LastModel",
    "LoadModel",
    "ProgressBar",
    "SlicePicture",
    "StopUnlessFinite",
    "StopUnlessInvertible",
    "TrainingState",
    "WeightAverage",
]
