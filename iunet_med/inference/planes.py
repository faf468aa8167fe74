"""A picture of a segmentation: the input with the labels' outlines, in three planes through the largest part."""

from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import ArrayLike, NDArray


def label_colours(values: Iterable[int]) -> dict[int, str]:
    """A colour per label value, told apart as well as may be."""
    raise NotImplementedError


def lesion_planes(
    image: NDArray[Any],
    label: NDArray[Any],
    affine: ArrayLike,
    *,
    names: Mapping[int, str],
    colours: Mapping[int, str],
    window: tuple[float, float] | None = None,
) -> bytes:
    """Draw an axial, a coronal and a sagittal plane, radiological orientation, as PNG.

    Args:
        image: (X, Y, Z), one channel.
        label: label map (X, Y, Z) on the same grid.
        affine: voxel index to RAS+ mm, (4, 4).
        names: the name of each label value, for the legend.
        colours: the colour of each label value, from `label_colours`.
        window: intensities drawn black and white, such as (-160, 240) HU; else chosen by the image.

    Raises:
        ValueError: image and label differ in shape or are not three-dimensional.
    """
    raise NotImplementedError
