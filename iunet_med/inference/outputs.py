"""Writes a case's files: each appears complete or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import SimpleITK
from nibabel.affines import voxel_sizes
from numpy.typing import NDArray

from iunet_med.files import replacing
from iunet_med.inference.planes import label_colours, lesion_planes
from iunet_med.volumes import write_nifti

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


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
        probabilities: (K, X, Y, Z), if they are wanted.
        series: the DICOM series that the grid is that of, if there is one.
    """

    case: str
    labels: NDArray[np.uint8]
    affine: NDArray[np.float64]
    header: nib.Nifti1Header | None
    names: Mapping[int, str]
    shown: Mapping[str, NDArray[np.float32]]
    outlined: Mapping[str, Mapping[str, Sequence[int]]]
    window: tuple[float, float] | None
    probabilities: NDArray[np.float32] | None
    series: Any


def output_names(case: str) -> dict[str, str]:
    """Name each kind of file that a case can have."""
    return {
        "nifti": f"{case}_seg.nii.gz",
        "nrrd": f"{case}_seg.nrrd",
        "dicom": f"{case}_seg.dcm",
        "probabilities": f"{case}_prob.nii.gz",
        "picture": f"{case}_seg.png",
    }


def write_outputs(output: Path, results: Outputs, *, nrrd: bool) -> tuple[str, ...]:
    """Write to `output`/CASE and return the files' names, the label map's first."""
    folder, names = output / results.case, output_names(results.case)
    kinds = ["nifti", "picture"]
    write_nifti(folder / names["nifti"], results.labels, results.affine, like=results.header)
    picture = lesion_planes(
        results.shown,
        results.labels,
        results.affine,
        outlined=results.outlined,
        colours=label_colours(results.names.values()),
        window=results.window,
    )
    with replacing(folder / names["picture"]) as temporary:
        temporary.write_bytes(picture)
    if results.probabilities is not None:
        kinds.append("probabilities")
        maps = np.moveaxis(results.probabilities, 0, -1)
        write_nifti(folder / names["probabilities"], maps, results.affine, like=results.header)
    if nrrd:
        kinds.append("nrrd")
        _write_nrrd(folder / names["nrrd"], results.labels, results.affine)
    return tuple(names[kind] for kind in kinds)


def _write_nrrd(path: Path, labels: NDArray[np.uint8], affine: NDArray[np.float64]) -> None:
    lps, sizes = _RAS_TO_LPS @ affine, voxel_sizes(affine)
    image = SimpleITK.GetImageFromArray(labels.T)
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetSpacing(sizes.tolist())
    image.SetDirection((lps[:3, :3] / sizes).ravel().tolist())
    with replacing(path) as temporary:
        SimpleITK.WriteImage(image, str(temporary), useCompression=True)


def write_dicom(output: Path, results: Outputs) -> tuple[str, ...]:
    """Write a DICOM segmentation to `output`/CASE and return its name, or nothing where nothing is labelled.

    Raises:
        ValueError: the case was not read from DICOM, or its series cannot be referred to.
    """
    from iunet_med.inference.dicom_seg import write_dicom_seg

    if results.series is None:
        raise ValueError("the case was not read from DICOM, to which a segmentation refers; give the DICOM files.")
    if not results.labels.any():
        return ()
    name = output_names(results.case)["dicom"]
    write_dicom_seg(
        output / results.case / name,
        results.labels,
        results.affine,
        source=results.series.files,
        names=results.names,
        software_version=version("iunet-med"),
    )
    return (name,)
