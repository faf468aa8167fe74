"""What a NIfTI header says of the geometry: present, consistent, in millimetres."""

from collections.abc import Iterator

import nibabel as nib
import numpy as np
from nibabel.affines import voxel_sizes
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from iunet_med.checks.finding import Finding

SPACING_MM = (0.1, 10.0)
"""From the finest clinical CT of bone to the thickest slices with gaps that are in use."""
TURN_DEGREES = 2.0
"""Two programs that round one geometry differ by less; a patient's head moves by about as much between scans."""
SHIFT_MM = 2.0
"""Two programs that round one geometry differ by less."""
_SCANNER_CODES = (1, 2)
"""sform codes of the scanner's space; 3 to 5 are atlases, where the image lies turned on purpose."""


def check_nifti_header(image: nib.Nifti1Image) -> list[Finding]:
    """Check that a header has an orientation, that sform and qform agree on it, and that the unit is mm.

    Reads no voxels. Source: https://nifti.nimh.nih.gov/nifti-1, on orientation and on units.
    """
    header = image.header
    sform, qform = int(header["sform_code"]) > 0, int(header["qform_code"]) > 0
    found = [*_units(header)]
    if not sform and not qform:
        found.append(
            Finding(
                "refusal",
                "no-affine",
                "sform_code and qform_code are 0, so the header does not say where left, front and top are; needed: "
                "one of them set; convert the scan again from DICOM, or set the code if you know the orientation.",
            )
        )
    elif qform:
        try:
            turned = header.get_qform()
        except (ValueError, HeaderDataError) as error:
            found.append(
                Finding("refusal", "qform", f"the qform is no rotation ({error}); convert the scan again from DICOM.")
            )
        else:
            found += _disagreement(header.get_sform(), turned, int(header["sform_code"])) if sform else ()
    return sorted(found, key=lambda finding: finding.level != "refusal")


def _disagreement(sform: NDArray[np.float64], qform: NDArray[np.float64], code: int) -> Iterator[Finding]:
    if abs(np.linalg.det(sform)) < 1e-12 or abs(np.linalg.det(qform)) < 1e-12:
        return  # `check_volume` refuses such an affine
    axes = ["".join(nib.aff2axcodes(affine)) for affine in (sform, qform)]
    mirrored = np.linalg.det(sform[:3, :3]) * np.linalg.det(qform[:3, :3]) < 0
    if mirrored or (axes[0] != axes[1] and _turn(sform, qform) > 45):
        what = "left and right are swapped between them" if mirrored else "they turn the patient differently"
        yield Finding(
            "refusal",
            "orientation",
            f"the header contradicts itself: by its sform the axes point to {axes[0]}, by its qform to {axes[1]}, and "
            f"{what}; needed: one orientation; find out which is right, and write it to both.",
        )
    elif code in _SCANNER_CODES:
        yield from _difference(sform, qform)


def _difference(sform: NDArray[np.float64], qform: NDArray[np.float64]) -> Iterator[Finding]:
    turn, shift = _turn(sform, qform), float(np.abs(sform[:3, 3] - qform[:3, 3]).max())
    sizes = [voxel_sizes(affine) for affine in (sform, qform)]
    if turn > TURN_DEGREES or shift > SHIFT_MM or not np.allclose(sizes[0], sizes[1], rtol=0.01):
        yield Finding(
            "warning",
            "sform-qform",
            f"sform and qform differ by {turn:.1f} degrees, {shift:.1f} mm and in voxel sizes {sizes[0].round(3)} and "
            f"{sizes[1].round(3)} mm; the sform is used; write the right one to both.",
        )


def _turn(sform: NDArray[np.float64], qform: NDArray[np.float64]) -> float:
    """The largest angle in degrees between two axes of one name."""
    one, other = (affine[:3, :3] / voxel_sizes(affine) for affine in (sform, qform))
    return float(np.degrees(np.arccos(np.clip((one * other).sum(axis=0), -1, 1))).max())


def _units(header: nib.Nifti1Header) -> Iterator[Finding]:
    unit = header.get_xyzt_units()[0]
    if unit not in ("meter", "micron"):
        return
    spacing = np.asarray(header.get_zooms()[:3], np.float64)
    came = f"the header's unit of length is the {unit}, and the voxel size {spacing.round(6).tolist()}"
    if spacing.min() >= SPACING_MM[0] and spacing.max() <= SPACING_MM[1]:
        yield Finding(
            "warning", "units", f"{came}, which is one in mm; it is read as mm; set the unit (xyzt_units) to mm."
        )
    else:
        yield Finding("refusal", "units", f"{came}; needed: mm; convert sform, qform and pixdim to mm.")
