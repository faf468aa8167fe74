"""Label maps whose values were stored through a slope, as whole numbers again."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

WHOLE_TOLERANCE = 1e-3
"""Values nearer than this to a whole number are that number: slopes such as 0.99999997 come from programs that rescale
label maps as if they were images, and float32 keeps seven digits."""


def whole_numbers(label: NDArray[Any]) -> NDArray[Any]:
    """Return a label map with values next to whole numbers set to them; others stay as they are."""
    if label.dtype.kind != "f":
        return label
    rounded = np.rint(label)
    return np.where(np.abs(label - rounded) <= WHOLE_TOLERANCE, rounded, label)
