"""One thing that a check found in an input or a result."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CODES = {
    "error": "a file that cannot be read, or a case that cannot be run",
    "no-affine": "no affine in a NIfTI header",
    "pixdim": "a voxel size that is no length",
    "qform": "a qform that is no rotation",
    "orientation": "sform and qform that turn the patient differently",
    "forms": "sform and qform that cannot both be right",
    "sform-qform": "sform and qform that differ a little",
    "shear": "axes that are not at right angles",
    "units": "lengths that are not in mm",
    "affine": "an affine that maps no volume",
    "physical-size": "an image that is too small or too large for a body",
    "thin": "a thin slab",
    "spacing": "unusual voxel sizes",
    "many-voxels": "more voxels than may fit in memory",
    "grid": "modalities on different grids",
    "uneven-slices": "DICOM slices that were resampled",
    "not-numbers": "colours, complex values or records",
    "channels": "another number of channels than the network has",
    "empty-image": "no voxels",
    "not-finite": "NaN, infinite voxels or voxels beyond float32",
    "constant-image": "one value in every voxel",
    "below-zero": "no value above zero in a head on zero background",
    "scale": "values too small or too large for float32 statistics",
    "outlier": "voxels far beyond the others",
    "not-hu": "a CT without negative values",
    "no-air": "a CT without air",
    "beyond-hu": "a CT with values that no scanner makes",
    "saturated": "voxels at the limit of their type",
    "background": "a head that is not skull-stripped",
    "copy": "a modality that is a copy of another",
    "overlap": "masks of organs that overlap",
    "coverage": "a modality that shows a part of the head only",
    "swapped": "two modalities that seem to be swapped",
    "missing-modality": "a modality that is not there",
    "empty-mask": "nothing found",
    "specks": "only tiny parts found",
    "many-parts": "a label of very many parts",
    "implausible-volume": "a label that fills much of the body",
    "tumour-volume": "a tumour larger than tumours are",
    "no-core": "a large tumour of oedema alone",
    "unsure": "labels that the network itself is unsure of",
    "unfamiliar": "an image unlike those of training",
    "windows": "sliding windows in place of one piece",
    "borders": "labels of the nearest voxel in place of interpolated ones",
    "picture": "a picture that was not written",
    "probabilities": "probabilities that were not written",
    "nrrd": "an NRRD file that was not written",
    "dicom-seg": "a DICOM segmentation that was not written",
}
"""What each code finds, in a few words; docs/reference/checks.md lists the same codes with their levels."""


@dataclass(frozen=True)
class Finding:
    """What was found, what was expected and what to do.

    Args:
        level: a warning lets the case go on; a refusal does not.
        check: a code of `CODES`, such as "constant-image".
        message: plain text for the user.

    Raises:
        ValueError: if the code is not in `CODES`.
    """

    level: Literal["warning", "refusal"]
    check: str
    message: str

    def __post_init__(self) -> None:
        if self.check not in CODES:
            raise ValueError(
                f"Unknown code {self.check!r} of a finding; add it to CODES and to docs/reference/checks.md."
            )


def warning(check: str, message: str) -> Finding:
    """Make a finding that lets the case go on."""
    return Finding("warning", check, message)


def refusal(check: str, message: str) -> Finding:
    """Make a finding that stops the case."""
    return Finding("refusal", check, message)


class RefusedError(ValueError):
    """A case or a file that its checks refuse; `findings` says why."""

    def __init__(self, findings: Sequence[Finding], *, name: str = "") -> None:
        self.findings = tuple(findings)
        refusals = "; ".join(finding.message for finding in findings if finding.level == "refusal")
        super().__init__(f"{name}: {refusals}" if name else refusals)


def refuse(findings: Sequence[Finding], *, name: str = "") -> list[Finding]:
    """Return the findings if none of them refuses.

    Raises:
        RefusedError: with the messages of all refusals, after the file's or case's name.
    """
    if any(finding.level == "refusal" for finding in findings):
        raise RefusedError(findings, name=name)
    return list(findings)
