"""A case's probabilities, collected while its labels are made, and brought to its grid when they are written."""

from collections.abc import Callable, Sequence

import nibabel as nib
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Probabilities:
    """The probabilities (K, D, H, W) of a case by slabs.

    What goes wrong while they are collected, such as a full memory, is raised when they are asked for: the label map
    must not suffer from it.
    """

    def __init__(self, function: Callable[[Tensor], Tensor], *, axis: int) -> None:
        self._function, self._axis = function, axis
        self._slabs: list[Tensor] = []
        self._error: Exception | None = None

    def add(self, logits: Tensor) -> None:
        """Keep the probabilities of the next slab of logits (C, D, H, W)."""
        if self._error is not None:
            return
        try:
            self._slabs.append(self._function(logits).cpu())
        except Exception as error:  # memory of the device or of the machine, each with an error of its own
            self._slabs.clear()
            self._error = error

    def on_grid(
        self, affine: NDArray[np.float64], *, shape: Sequence[int], to: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Interpolate linearly to a grid (X, Y, Z) -> (K, X, Y, Z); beyond the network's image they are 0."""
        from nibabel.processing import resample_from_to

        if self._error is not None:
            raise self._error
        joined = torch.cat(self._slabs, 1 + self._axis)
        grid = (tuple(shape), to)
        return np.stack(
            [
                np.asarray(resample_from_to(nib.Nifti1Image(one.numpy(), affine), grid, order=1).dataobj, np.float32)
                for one in joined
            ]
        )
