"""Writes a case's files: each appears complete or not at all, and none but the label map can fail the case."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import SimpleITK
from nibabel.affines import voxel_sizes
from numpy.typing import NDArray

from iunet_med.checks.finding import Finding
from iunet_med.files import replacing
from iunet_med.inference.results.earlier import set_aside
from iunet_med.pictures.colours import label_colours
from iunet_med.pictures.planes import lesion_planes
from iunet_med.volumes import write_nifti
from iunet_med.volumes.grid import LPS_TO_RAS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Written:
    """The names of a case's files, the label map's first, what could not be written, and if another try is of use."""

    files: tuple[str, ...]
    findings: tuple[Finding, ...]
    complete: bool


@dataclass(frozen=True)
class Outputs:
    """What is written of a case.

    Args:
        case: its name, which the files' names begin with.
        labels: label map (X, Y, Z) on the input's grid.
        affine: voxel index to RAS+ mm, (4, 4).
        header: of the input, if it was a NIfTI file; its forms are kept.
        names: the name of each label value.
        shown: the channels (X, Y, Z) that the picture shows, by modality, and `window` their black and white.
        outlined: for each of these modalities the regions outlined on it, with their label values.
        probabilities: returns them, (K, X, Y, Z), if they are wanted.
        series: the DICOM series that the grid is that of, or was made of, if there is one.
        sparse: whether a DICOM segmentation leaves out empty slices.
    """

    case: str
    labels: NDArray[np.uint8]
    affine: NDArray[np.float64]
    header: nib.Nifti1Header | None
    names: Mapping[int, str]
    shown: Mapping[str, NDArray[np.float32]]
    outlined: Mapping[str, Mapping[str, Sequence[int]]]
    window: tuple[float, float] | None
    probabilities: Callable[[], NDArray[np.float32]] | None
    series: Any
    sparse: bool = False


def output_names(case: str) -> dict[str, str]:
    """Name each kind of file that a case can have."""
    return {
        "nifti": f"{case}_seg.nii.gz",
        "nrrd": f"{case}_seg.nrrd",
        "dicom-seg": f"{case}_seg.dcm",
        "probabilities": f"{case}_prob.nii.gz",
        "picture": f"{case}_seg.png",
    }


def write_outputs(output: Path, results: Outputs, *, kinds: Sequence[str]) -> Written:
    """Write the label map to `output`/CASE, then the other files of `kinds`, each of which may fail with a warning.

    An older file of a kind that is not written now is set aside: it may not be of this label map.
    """
    folder, names = output / results.case, output_names(results.case)
    write_nifti(folder / names["nifti"], results.labels, results.affine, like=results.header)
    written, findings, complete = ["nifti"], [], True
    for kind in kinds:
        try:
            if _WRITERS[kind](folder / names[kind], results):
                written.append(kind)
        except Exception as error:  # whatever it is, the label map is there
            logger.debug("%s: %s", results.case, kind, exc_info=True)
            findings.append(_not_written(kind, error))
            complete = complete and isinstance(error, ValueError)
    with suppress(OSError):
        set_aside(folder, [names[kind] for kind in kinds if kind not in written])
    return Written(tuple(names[kind] for kind in written), tuple(findings), complete)


def _not_written(kind: str, error: Exception) -> Finding:
    """Say why; texts of other errors than this package's may quote paths, or what names the patient."""
    known = isinstance(error, ValueError | ImportError)
    reason = str(error) if known else getattr(error, "strerror", "") or type(error).__name__
    return Finding("warning", kind, f"{_NAMES[kind]} not written: {reason}; the label map was.")


def _write_picture(path: Path, results: Outputs) -> bool:
    picture = lesion_planes(
        results.shown,
        results.labels,
        results.affine,
        outlined=results.outlined,
        colours=label_colours(results.names.values()),
        window=results.window,
    )
    with replacing(path) as temporary:
        temporary.write_bytes(picture)
    return True


def _write_probabilities(path: Path, results: Outputs) -> bool:
    if results.probabilities is None:
        return False
    write_nifti(path, np.moveaxis(results.probabilities(), 0, -1), results.affine, like=results.header)
    return True


def _write_nrrd(path: Path, results: Outputs) -> bool:
    lps, sizes = LPS_TO_RAS @ results.affine, voxel_sizes(results.affine)
    image = SimpleITK.GetImageFromArray(results.labels.T)
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetSpacing(sizes.tolist())
    image.SetDirection((lps[:3, :3] / sizes).ravel().tolist())
    with replacing(path) as temporary:
        SimpleITK.WriteImage(image, str(temporary), useCompression=True)
    return True


def _write_dicom(path: Path, results: Outputs) -> bool:
    """Write a DICOM segmentation, unless nothing is labelled."""
    from iunet_med.inference.results.dicom_seg import write_dicom_seg

    if results.series is None:
        raise ValueError("the case was not read from DICOM, to which a segmentation refers; give the DICOM files")
    if not results.labels.any():
        return False
    write_dicom_seg(
        path,
        results.labels,
        results.affine,
        source=results.series,
        names=results.names,
        software_version=version("iunet-med"),
        sparse=results.sparse,
    )
    return True


_NAMES = {
    "picture": "the picture was",
    "probabilities": "the probabilities were",
    "nrrd": "the NRRD file was",
    "dicom-seg": "the DICOM segmentation was",
}
_WRITERS: Mapping[str, Callable[[Path, Outputs], bool]] = {
    "picture": _write_picture,
    "probabilities": _write_probabilities,
    "nrrd": _write_nrrd,
    "dicom-seg": _write_dicom,
}
"""Each returns False where there is nothing to write. The kinds are codes of findings, too."""
