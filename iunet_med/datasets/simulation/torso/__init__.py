"""Simulated CT of a torso: a person built from shapes in millimetres, scanned, with a label per organ."""

from iunet_med.datasets.simulation.torso.case import simulate_ct, simulate_cts
from iunet_med.datasets.simulation.torso.names import ORGAN_VALUES
from iunet_med.datasets.simulation.torso.stored import SimulatedCt
from iunet_med.datasets.simulation.torso.writers import write_ct_masks, write_ct_msd, write_ct_nnunet

__all__ = [
    "ORGAN_VALUES",
    "SimulatedCt",
    "simulate_ct",
    "simulate_cts",
    "write_ct_masks",
    "write_ct_msd",
    "write_ct_nnunet",
]
