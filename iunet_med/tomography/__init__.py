"""Parallel-beam tomography in 3D, in torch and differentiable: projections, photon noise, filtered backprojection."""

from iunet_med.tomography.filtered import Window, filtered_backprojection
from iunet_med.tomography.noise import photon_noise
from iunet_med.tomography.projector import Geometry, backproject, project

__all__ = ["Geometry", "Window", "backproject", "filtered_backprojection", "photon_noise", "project"]
