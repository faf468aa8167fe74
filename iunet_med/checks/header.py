"""What a NIfTI header says of the geometry: present, consistent, in millimetres."""

from collections.abc import Iterator

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine, voxel_sizes
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from iunet_med.checks.finding import Finding, refusal, warning
from iunet_med.volumes.nifti import header_affine

SPACING_MM = (0.1, 10.0)
"""From the finest clinical CT of bone to the thickest slices with gaps that are in use."""
AGREE_MM = 0.5
"""By both forms no corner of the volume may lie farther apart than this without a word: rounding of cosines to three
digits moves the corner of a head by less, and half a voxel of a usual scan is more."""
TURN_DEGREES, SHIFT_MM, SIZE_PART = 5.0, 20.0, 0.02
"""What two forms of one space (equal codes) may differ by: a repositioned head, an origin moved to the image's centre
and rounding explain less; more is a mistake in one of them."""
ATLAS_PART = 0.5
"""Voxel sizes of forms of different spaces may differ by this part: an affine map stretches a small head to a large
atlas by less."""
SHEAR_DEGREES = (0.5, 30.0)
"""Axes may leave the right angle unsaid by rounding; the gantry of no CT tilts by more than 30 degrees."""

_OTHER_UNITS = {1: "meter", 3: "micron"}


def check_nifti_header(header: nib.Nifti1Header) -> list[Finding]:
    """Check that a header has an orientation, that sform and qform agree on it, and that the unit is mm.

    Reads no voxels. The form that is used is that of `header_affine`.

    Source: https://nifti.nimh.nih.gov/nifti-1, on orientation and on units.
    """
    sform, qform = int(header["sform_code"]) > 0, int(header["qform_code"]) > 0
    found = [*_pixdim(header), *_units(header)]
    if not sform and not qform:
        found.append(
            refusal(
                "no-affine",
                "sform_code and qform_code are 0, so the header does not say where left, front and top are; expected "
                "one of them set; convert the scan again from DICOM, or set the code if you know the orientation.",
            )
        )
    elif not any(finding.check == "pixdim" for finding in found):
        found += _forms(header) if qform else ()
        found += _sheared(header)
    return sorted(found, key=lambda finding: finding.level != "refusal")


def _pixdim(header: nib.Nifti1Header) -> Iterator[Finding]:
    sizes = np.asarray(header["pixdim"][1:4], np.float64)
    if not (np.isfinite(sizes).all() and (sizes > 0).all()):
        yield refusal(
            "pixdim",
            f"the header's voxel size (pixdim) is {sizes.tolist()} mm; expected three numbers above 0: programs that "
            "go by the qform take them; write the voxel size, or convert the scan again from DICOM.",
        )


def _forms(header: nib.Nifti1Header) -> Iterator[Finding]:
    try:
        qform = np.asarray(header.get_qform(), np.float64)
        if not np.isfinite(qform).all():
            raise ValueError("its numbers are not finite")
    except (ValueError, HeaderDataError) as error:
        yield refusal("qform", f"the qform is no rotation ({error}); convert the scan again from DICOM.")
        return
    sform = np.asarray(header.get_sform(), np.float64)
    singular = not np.isfinite(sform).all() or abs(np.linalg.det(sform)) < 1e-12
    if int(header["sform_code"]) > 0 and not singular:  # `check_volume` refuses a singular affine
        yield from _disagreement(header, sform, qform)


def _disagreement(
    header: nib.Nifti1Header, sform: NDArray[np.float64], qform: NDArray[np.float64]
) -> Iterator[Finding]:
    axes = ["".join(nib.aff2axcodes(affine)) for affine in (sform, qform)]
    mirrored = np.linalg.det(sform[:3, :3]) * np.linalg.det(qform[:3, :3]) < 0
    turn, shift = _turn(sform, qform), float(np.abs(sform[:3, 3] - qform[:3, 3]).max())
    sizes = [voxel_sizes(affine) for affine in (sform, qform)]
    part = float(np.abs(sizes[0] / sizes[1] - 1).max())
    if mirrored or (axes[0] != axes[1] and turn > 45):
        what = "left and right are swapped between them" if mirrored else "they turn the patient differently"
        yield refusal(
            "orientation",
            f"the header contradicts itself: by its sform the axes point to {axes[0]}, by its qform to {axes[1]}, and "
            f"{what}; expected one orientation; find out which is right, and write it to both.",
        )
        return
    one_space = int(header["sform_code"]) == int(header["qform_code"])
    apart = _corners_apart_mm(header, sform, qform)
    found = (
        f"sform (code {int(header['sform_code'])}) and qform (code {int(header['qform_code'])}) differ by {turn:.1f} "
        f"degrees, {shift:.1f} mm and in voxel sizes, {sizes[0].round(3).tolist()} and {sizes[1].round(3).tolist()} mm"
    )
    if part > (SIZE_PART if one_space else ATLAS_PART) or (one_space and (turn > TURN_DEGREES or shift > SHIFT_MM)):
        limits = f"{TURN_DEGREES:g} degrees, {SHIFT_MM:g} mm and {SIZE_PART:.0%}" if one_space else f"{ATLAS_PART:.0%}"
        yield refusal("forms", f"{found}; expected {limits} at most; find out which is right, and write it to both.")
    elif apart > AGREE_MM:
        yield warning(
            "sform-qform",
            f"{found}, by which a corner of the volume moves {apart:.1f} mm; the sform is used, and both are kept in "
            "results; write the right one to both.",
        )


def _corners_apart_mm(header: nib.Nifti1Header, sform: NDArray[np.float64], qform: NDArray[np.float64]) -> float:
    last = np.array(header.get_data_shape()[:3]) - 1
    corners = np.stack(np.meshgrid(*((0, length) for length in last)), axis=-1).reshape(-1, 3)
    apart = apply_affine(sform, corners) - apply_affine(qform, corners)
    return float(np.linalg.norm(apart, axis=1).max())


def _sheared(header: nib.Nifti1Header) -> Iterator[Finding]:
    affine = header_affine(header)
    axes = affine[:3, :3] / np.maximum(voxel_sizes(affine), np.finfo(np.float64).tiny)
    cosines = (axes.T @ axes)[np.triu_indices(3, 1)]
    if not np.isfinite(cosines).all():
        return
    degrees = float(np.degrees(np.arcsin(np.clip(np.abs(cosines), 0, 1))).max())
    found = f"the axes of the affine are {degrees:.1f} degrees away from right angles"
    if degrees > SHEAR_DEGREES[1]:
        yield refusal("shear", f"{found}; expected {SHEAR_DEGREES[1]:g} at most; resample the scan to a straight grid.")
    elif degrees > SHEAR_DEGREES[0]:
        yield warning("shear", f"{found}; the scan is resampled for the network, and ITK may not open it.")


def _turn(sform: NDArray[np.float64], qform: NDArray[np.float64]) -> float:
    """The largest angle in degrees between two axes of one name."""
    one, other = (affine[:3, :3] / voxel_sizes(affine) for affine in (sform, qform))
    return float(np.degrees(np.arccos(np.clip((one * other).sum(axis=0), -1, 1))).max())


def _units(header: nib.Nifti1Header) -> Iterator[Finding]:
    unit = _OTHER_UNITS.get(int(header["xyzt_units"]) & 0b111)
    if unit is None:
        return
    spacing = np.asarray(header["pixdim"][1:4], np.float64)
    found = f"the header's unit of length is the {unit}, and the voxel size {spacing.round(6).tolist()}"
    if spacing.min() >= SPACING_MM[0] and spacing.max() <= SPACING_MM[1]:
        yield warning("units", f"{found}, which is one in mm; it is read as mm; set the unit (xyzt_units) to mm.")
    else:
        yield refusal("units", f"{found}; expected mm; convert sform, qform and pixdim to mm.")
