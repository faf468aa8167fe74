"""A case's probabilities, collected while its labels are made, and brought to its grid when they are written."""

from collections.abc import Sequence

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

    def __init__(self, *, axis: int) -> None:
        self._axis = axis
        self._slabs: list[Tensor] = []
        self._error: Exception | None = None

    def add(self, slab: Tensor) -> None:
        """Keep the next slab, (K, D, H, W)."""
        if self._error is not None:
            return
        try:
            self._slabs.append(slab.cpu())
        except Exception as error:  # memory of the device or of the machine, each with an error of its own
            self._slabs.clear()
            self._error = error

    @property
    def is_complete(self) -> bool:
        """False if something went wrong while they were collected."""
        return self._error is None

    def joined(self) -> Tensor:
        """All of them, (K, D, H, W)."""
        if self._error is not None:
            raise self._error
        if len(self._slabs) > 1:
            self._slabs = [torch.cat(self._slabs, 1 + self._axis)]
        return self._slabs[0]

    def on_grid(
        self, affine: NDArray[np.float64], *, shape: Sequence[int], to: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Interpolate linearly to a grid (X, Y, Z) -> (K, X, Y, Z); beyond the network's image they are 0."""
        from nibabel.processing import resample_from_to

        grid = (tuple(shape), to)
        return np.stack(
            [
                np.asarray(resample_from_to(nib.Nifti1Image(one.numpy(), affine), grid, order=1).dataobj, np.float32)
                for one in self.joined()
            ]
        )
