"""A picture in Hounsfield units that shapes are painted on, with a label map that follows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iunet_med.datasets.simulation.fields import Volume

Box = tuple[slice, slice, slice]
Point = Sequence[float] | NDArray[np.floating]


@dataclass
class Canvas:
    """What has been painted so far; a shape is a level in mm, negative inside, and covers edge voxels in part.

    Args:
        hu: (X, Y, Z) float32.
        label: (X, Y, Z) uint8.
        place: (3, X, Y, Z), for each voxel the mm in the body's own frame: right, front, up; 0 in front of vertebra L1.
        to_voxel: body mm -> voxel index, (4, 4), without the deformation.
        margin_mm: how far the deformation may move anything.
        spacing_mm: edge of the voxels.
    """

    hu: Volume
    label: NDArray[np.uint8]
    place: Volume
    to_voxel: NDArray[np.float64]
    margin_mm: float
    spacing_mm: float

    @property
    def whole(self) -> Box:
        """The box of all voxels."""
        return (slice(None), slice(None), slice(None))

    def box(self, low: Point, high: Point) -> Box:
        """Voxels that may hold a box of the body's frame (mm); empty slices where it lies outside."""
        margin = np.array([[-self.margin_mm], [self.margin_mm]])
        edges = np.array([low, high], dtype=np.float64) + margin
        corners = np.array([[edges[i >> k & 1, k] for k in range(3)] for i in range(8)])
        index = corners @ self.to_voxel[:3, :3].T + self.to_voxel[:3, 3]
        first = np.clip(np.floor(index.min(0)).astype(int), 0, self.hu.shape)
        last = np.clip(np.ceil(index.max(0)).astype(int) + 1, 0, self.hu.shape)
        x, y, z = (slice(int(a), int(max(a, b))) for a, b in zip(first, last, strict=True))
        return x, y, z

    def at(self, box: Box) -> Volume:
        """Places of the voxels of a box, (3, x, y, z) mm."""
        x, y, z = box
        return self.place[:, x, y, z]

    def paint(self, box: Box, level: Volume, hu: Volume | float, label: int | None = None) -> None:
        """Lay a shape over what is there.

        Args:
            box: where.
            level: (x, y, z) mm on the box.
            hu: of the shape, one number or (x, y, z).
            label: value of the voxels whose centre lies inside; None leaves the labels.
        """
        cover = np.clip(0.5 - level / np.float32(self.spacing_mm), 0, 1)
        under = self.hu[box]
        under += cover * (np.float32(hu) - under)
        if label is not None:
            self.label[box][level < 0] = label
