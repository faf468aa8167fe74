"""Volumes, boxes and connected parts of the labels of a label map."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class RegionMeasure:
    """How much of a label there is, and where.

    Args:
        name: the label's name.
        value: its value in the label map.
        volume_ml: its volume in millilitres.
        bounding_box: voxels (i0, i1, j0, j1, k0, k1), ends exclusive; empty where the label is absent.
        components: the number of its parts, which touch by a face, an edge or a corner (26-connected).
        largest_ml: the volume of the largest part.
    """

    name: str
    value: int
    volume_ml: float
    bounding_box: tuple[int, ...]
    components: int
    largest_ml: float


def measure_labels(label: NDArray[Any], affine: ArrayLike, *, names: Mapping[int, str]) -> list[RegionMeasure]:
    """Measure each label of `names`, in its order, absent ones too.

    Args:
        label: label map (X, Y, Z) of integers, 0 is the background.
        affine: voxel index to mm, (4, 4); may be oblique.
        names: the name of each label value.

    Raises:
        ValueError: the label map is not three-dimensional or not of integers, or has a value without a name.
    """
    raise NotImplementedError
