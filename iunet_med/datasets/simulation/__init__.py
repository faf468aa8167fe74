"""Simulated multi-modal MRI of brains with tumours, in the layouts of public data sets."""

from iunet_med.datasets.simulation.case import SimulatedCase, simulate_case, simulate_cases
from iunet_med.datasets.simulation.slices import brain_slices
from iunet_med.datasets.simulation.writers import write_brats, write_msd

__all__ = ["SimulatedCase", "brain_slices", "simulate_case", "simulate_cases", "write_brats", "write_msd"]
