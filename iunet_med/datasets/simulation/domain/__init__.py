"""Brains of a wider world than real ones, so that a network trained on them finds real ones familiar.

Anatomy, tumours, contrasts, scanners and faults are drawn by chance and beyond what is seen in clinics, as in Billot et
al., SynthSeg, Medical Image Analysis 86 (2023)."""

from iunet_med.datasets.simulation.domain.case import simulate_domain_random

__all__ = ["simulate_domain_random"]
