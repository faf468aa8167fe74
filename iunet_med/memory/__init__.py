"""Memory of a training step: counted, or predicted without data."""

from iunet_med.memory.live_bytes import LiveBytes
from iunet_med.memory.step import StepMemory, count_step_memory, mean_square, predict_step_memory

__all__ = ["LiveBytes", "StepMemory", "count_step_memory", "mean_square", "predict_step_memory"]
