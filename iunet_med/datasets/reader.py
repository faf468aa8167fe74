"""MONAI's door to the one reader: a case's files, stacked on the first one's grid."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import PathLike
from monai.data import ImageReader
from monai.utils import ensure_tuple
from numpy.typing import NDArray

from iunet_med.checks.file import read_finite
from iunet_med.checks.finding import refuse
from iunet_med.volumes import AFFINE_TOLERANCE, ENDINGS, Volume


class ModalityReader(ImageReader):  # type: ignore[misc]
    """Reads NIfTI, NRRD and MetaImage as every part of this package does; several files become channels.

    MONAI's own reader takes a NIfTI's qform where the sform's voxel sizes are others, and compares the affines of a
    case's files to 1e-8, while programs that write NIfTI round differently.

    Raises:
        ValueError: a file is damaged, a check of its header refuses it, it holds voxels that are no finite numbers, or
            the files lie on different grids (shape, or affines apart by more than AFFINE_TOLERANCE).
    """

    def verify_suffix(self, filename: Sequence[PathLike] | PathLike) -> bool:
        """Return True if all files have a known ending."""
        return all(str(name).lower().endswith(ENDINGS) for name in ensure_tuple(filename))

    def read(self, data: Sequence[PathLike] | PathLike, **_kwargs: Any) -> list[Path]:
        """Return the paths: they are read in `get_data`, whose errors MONAI shows as they are."""
        return [Path(name) for name in ensure_tuple(data)]

    def get_data(self, img: Sequence[Path]) -> tuple[NDArray[Any], dict[str, Any]]:
        """Return the array, channels first where there are several files, and MONAI's metadata."""
        first, *others = (_checked(path) for path in img)
        for path, other in zip(img[1:], others, strict=True):
            if difference := other.grid.differs_from(first.grid):
                raise ValueError(
                    f"{path} lies on another grid than {img[0]}, {difference}; expected affines equal to "
                    f"{AFFINE_TOLERANCE}; register and resample the files to one of them."
                )
        array = np.stack([first.array, *(other.array for other in others)]) if others else first.array
        channel = 0 if others else -1 if array.ndim == 4 else float("nan")
        meta = {"affine": first.affine, "original_affine": first.affine.copy(), "space": "RAS"}
        meta |= {"spatial_shape": np.array(first.grid.shape[:3]), "original_channel_dim": channel}
        return array, meta


def _checked(path: Path) -> Volume:
    volume, findings = read_finite(path)
    refuse(findings, name=str(path))
    return volume
