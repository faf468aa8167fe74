"""Reads a case's files as one array of channels on one grid, and checks them on the way."""

import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import nibabel as nib
import numpy as np
import SimpleITK
from nibabel.processing import resample_from_to
from numpy.typing import NDArray

from iunet_med.checks.contrast import check_contrast
from iunet_med.checks.finding import Finding
from iunet_med.checks.header import check_nifti_header
from iunet_med.checks.volume import check_volume
from iunet_med.inference.sources import WHOLE, Source
from iunet_med.volumes.grid import AFFINE_TOLERANCE, Grid, read_grid

Modality = Literal["CT", "MR"]
UNEVEN = "uneven-slices"
"""The check that speaks where DICOM slices were brought to an even grid."""
_TRAILING_BYTES = 512
"""Some programs fill a file up to a block."""
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


class RefusedError(ValueError):
    """A case that its checks refuse; `findings` says why."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        refusals = [finding.message for finding in findings if finding.level == "refusal"]
        super().__init__("; ".join(refusals))


@dataclass(frozen=True)
class Volume:
    """A case's channels (C, X, Y, Z), float32, in the network's order, with the affine from voxel index to RAS+ mm."""

    data: NDArray[np.float32]
    affine: NDArray[np.float64]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Read:
    """One file: (X, Y, Z) or (X, Y, Z, C), as it is stored."""

    array: NDArray[Any]
    affine: NDArray[np.float64]
    findings: list[Finding]


def read_case(
    source: Source,
    modalities: Sequence[str],
    *,
    modality: Modality | None,
    zero_background: bool,
    resample_uneven: bool = False,
) -> Volume:
    """Read and check a case; modalities on another grid than the first one's are resampled to it, with a warning.

    Args:
        source: the case.
        modalities: names of the network's channels.
        modality: "CT", "MR" or None, as in `check_volume`.
        zero_background: as in `check_volume`.
        resample_uneven: whether unevenly spaced DICOM slices are brought to an even grid, with a warning.

    Raises:
        ValueError: a file is damaged or of another kind, or modalities do not overlap.
        RefusedError: a check refuses the case.
    """
    findings: list[Finding] = []
    if WHOLE in source.files:
        read = read_image(source.files[WHOLE])
        checked = check_volume(
            read.array, read.affine, modality=modality, channels=len(modalities), zero_background=zero_background
        )
        findings += _unrefused([*read.findings, *checked])
        array = read.array if read.array.ndim == 4 else read.array[..., None]
        order = [source.channels.index(name) for name in modalities] if source.channels else range(len(modalities))
        data = np.empty((len(modalities), *array.shape[:3]), np.float32)
        for channel, place in zip(data, order, strict=True):
            channel[...] = array[..., place]
        findings += check_contrast(data, list(modalities)) if zero_background else ()
        return Volume(data, read.affine, tuple(findings))
    data, grid = np.empty(0, np.float32), Grid((), np.eye(4))
    for number, name in enumerate(modalities):
        read = _read_modality(source, name, resample_uneven=resample_uneven)
        checked = check_volume(read.array, read.affine, modality=modality, zero_background=zero_background)
        findings += _named(_unrefused([*read.findings, *checked]), name)
        if number == 0:
            grid = Grid(read.array.shape, read.affine)
            data = np.empty((len(modalities), *grid.shape), np.float32)
        if difference := Grid(read.array.shape, read.affine).differs_from(grid):
            findings.append(_other_grid(name, modalities[0], difference))
            read = _resampled(read, grid, name, modalities[0])
        data[number] = read.array
    findings += check_contrast(data, list(modalities)) if zero_background else ()
    return Volume(data, grid.affine, tuple(findings))


def read_image(path: Path) -> _Read:
    """Read a NIfTI, NRRD or MetaImage file as it is stored, after looking whether it can be whole.

    Raises:
        ValueError: the file is damaged, of another kind, or larger than the memory.
    """
    if not path.is_file():
        raise ValueError(f"there is no file {path.name}; correct its path.")
    if path.name.lower().endswith((".nii", ".nii.gz")):
        return _read_nifti(path)
    if path.name.lower().endswith((".nrrd", ".mha")):
        return _read_itk(path)
    raise ValueError(f"{path.name} came; needed: a NIfTI (.nii, .nii.gz), NRRD (.nrrd) or MetaImage (.mha) file.")


def files_digest(source: Source) -> str:
    """SHA-256 over the content of a case's files, in their order; names and places do not matter."""
    digest = hashlib.sha256()
    series = [path for one in (source.series or {}).values() for path in one.files]
    for path in [*source.files.values(), *series]:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def available_bytes() -> int:
    """Main memory that is free for new arrays."""
    information = Path("/proc/meminfo")
    if information.exists():
        for line in information.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _read_nifti(path: Path) -> _Read:
    affine = read_grid(path, whole=True).affine
    image = nib.load(path)
    _check_size(path, image.shape)
    findings = check_nifti_header(image)
    proxy = image.dataobj
    described = proxy.offset + math.prod(image.shape) * proxy.dtype.itemsize
    if path.suffix.lower() == ".nii" and (more := path.stat().st_size - described) > _TRAILING_BYTES:
        raise ValueError(f"{path.name} has {more} bytes more than its header describes; copy or export it again.")
    scaled = not (proxy.slope == 1 and proxy.inter == 0)
    array = np.asarray(proxy, np.float32) if scaled else proxy.get_unscaled()
    return _Read(_without_single_axes(np.asarray(array)), affine, findings)


def _read_itk(path: Path) -> _Read:
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        size = reader.GetSize()
        _check_size(path, (*size, reader.GetNumberOfComponents()))
        image = reader.Execute()
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].replace(str(path), path.name)
        raise ValueError(f"{path.name} is not a readable image ({reason}); export it again.") from error
    if image.GetDimension() != 3:
        raise ValueError(f"{path.name} has {image.GetDimension()} axes; needed: 3, with the channels in each voxel.")
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    array = SimpleITK.GetArrayFromImage(image)
    array = array.swapaxes(0, 2) if array.ndim == 4 else array.T
    return _Read(array, _LPS_TO_RAS @ affine, [])


def _read_modality(source: Source, name: str, *, resample_uneven: bool) -> _Read:
    if name not in (source.series or {}):
        return read_image(source.files[name])
    from iunet_med.volumes.dicom import read_series  # pydicom takes a while

    image = read_series((source.series or {})[name], resample_uneven=resample_uneven)
    note = bytes(image.header["descrip"].item()).decode("ascii", "replace")
    findings = [Finding("warning", UNEVEN, f"the slices are not evenly spaced; they were {note}.")] if note else []
    return _Read(np.asarray(image.dataobj), np.asarray(image.affine, np.float64), findings)


def _check_size(path: Path, shape: Sequence[int]) -> None:
    needed = 3 * 4 * math.prod(int(length) for length in shape)  # as float32, and two copies on the way
    if needed > (free := available_bytes()):
        raise ValueError(
            f"{path.name} has shape {tuple(shape)}, which needs {needed / 2**30:.1f} GiB of memory, and "
            f"{free / 2**30:.1f} GiB are free; crop or resample it, or take a larger machine."
        )


def _without_single_axes(array: NDArray[Any]) -> NDArray[Any]:
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    return array


def _resampled(read: _Read, grid: Grid, name: str, first: str) -> _Read:
    moved = resample_from_to(
        nib.Nifti1Image(np.asarray(read.array, np.float32), read.affine), (grid.shape, grid.affine), order=1
    )
    array = np.asarray(moved.dataobj)
    if array.min() == array.max():
        raise ValueError(f"{name} does not overlap with {first}; needed: one patient's scans in one space.")
    return _Read(array, grid.affine, read.findings)


def _other_grid(name: str, first: str, difference: str) -> Finding:
    message = (
        f"{name} lies on another grid than {first}, {difference} (tolerance {AFFINE_TOLERANCE}); it was resampled to "
        f"that of {first} by the headers alone; if the patient moved between the scans, register them first."
    )
    return Finding("warning", "grid", message)


def _unrefused(findings: Sequence[Finding]) -> list[Finding]:
    if any(finding.level == "refusal" for finding in findings):
        raise RefusedError(findings)
    return list(findings)


def _named(findings: Sequence[Finding], name: str) -> list[Finding]:
    return [Finding(finding.level, finding.check, f"{name}: {finding.message}") for finding in findings]
