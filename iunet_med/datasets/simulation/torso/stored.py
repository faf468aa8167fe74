"""A simulated CT as it lies in a file: the field of view cut out, turned and flipped as its frame says."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iunet_med.datasets.simulation.fields import Volume
from iunet_med.datasets.simulation.torso.frame import Frame


@dataclass(frozen=True)
class SimulatedCt:
    """CT of a simulated torso.

    Args:
        image: (X, Y, Z) int16, Hounsfield units.
        label: (X, Y, Z) uint8, values of `ORGAN_VALUES`, 0 for what has no name there.
        affine: voxel index to RAS+ mm, (4, 4) float64.
        phase: of the contrast medium: native, arterial, portal or delayed.
    """

    image: NDArray[np.int16]
    label: NDArray[np.uint8]
    affine: NDArray[np.float64]
    phase: str


def stored(image: Volume, label: NDArray[np.uint8], frame: Frame, spacing_mm: float, phase: str) -> SimulatedCt:
    """Cut to the field of view, and put on the axes of the file."""
    grid = frame.grid(spacing_mm)
    whole = np.clip(np.rint(image), -1024, 3071).astype(np.int16)
    if frame.padding is not None:
        x, y, _ = grid.axes()
        middle = [c + f / 2 for c, f in zip(grid.corner_mm, grid.fov_mm, strict=True)]
        outside = np.hypot(x - middle[0], y - middle[1])[:, :, 0] > max(grid.fov_mm[:2]) / 2
        whole[outside], label[outside] = frame.padding, 0
    affine = grid.affine
    turned = np.eye(4)
    turned[:3, :3], turned[:3, 3] = frame.oblique, frame.origin_mm
    affine = turned @ affine
    for axis in np.flatnonzero(frame.flips):
        whole, label = np.flip(whole, int(axis)), np.flip(label, int(axis))
        affine[:3, 3] += affine[:3, axis] * (grid.shape[axis] - 1)
        affine[:3, axis] *= -1
    return SimulatedCt(np.ascontiguousarray(whole), np.ascontiguousarray(label), affine, phase)
