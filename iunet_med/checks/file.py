"""One image file, read and checked: header and voxels, the same for training and inference."""

from pathlib import Path
from typing import Literal

from iunet_med.checks.finding import Finding
from iunet_med.checks.header import check_nifti_header
from iunet_med.checks.volume import check_numbers, check_volume
from iunet_med.volumes import Volume, read_volume

Modality = Literal["CT", "MR"]


def read_checked(
    path: str | Path, *, modality: Modality | None = None, channels: int = 1, zero_background: bool = False
) -> tuple[Volume, list[Finding]]:
    """Read an image file and list what its checks find, refusals among them; arguments as in `check_volume`.

    Raises:
        ValueError: the file is missing, damaged, of another kind, or larger than the memory.
    """
    volume, found = _with_header(path)
    if not any(finding.level == "refusal" for finding in found):
        found += check_volume(
            volume.array, volume.affine, modality=modality, channels=channels, zero_background=zero_background
        )
    return volume, found


def read_finite(path: str | Path) -> tuple[Volume, list[Finding]]:
    """Read a label map, or an image that was checked before: its header and that all voxels are finite numbers.

    Raises:
        ValueError: the file is missing, damaged, of another kind, or larger than the memory.
    """
    volume, found = _with_header(path)
    return volume, [*found, *check_numbers(volume.array)]


def _with_header(path: str | Path) -> tuple[Volume, list[Finding]]:
    volume = read_volume(path)
    return volume, check_nifti_header(volume.header) if volume.header is not None else []
