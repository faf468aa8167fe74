"""A header is doubted or refused for what it says of the geometry, and a good one is not."""

import nibabel as nib
import numpy as np
import pytest

from iunet_med.checks.header import check_nifti_header

LAS = np.diag([-2.0, 2, 2, 1])


def image(
    sform: np.ndarray | None = LAS, qform: np.ndarray | None = LAS, *, code: int = 1, unit: str = "mm"
) -> nib.Nifti1Image:
    made = nib.Nifti1Image(np.zeros((4, 4, 4), np.uint8), None)
    made.header.set_zooms((2, 2, 2))
    made.header.set_xyzt_units(unit)
    if qform is not None:
        made.set_qform(qform, code=1)
    if sform is not None:
        made.set_sform(sform, code=code)
    return made


def turned(degrees: float, shift_mm: float = 0, scale: float = 1) -> np.ndarray:
    affine = LAS.copy()
    affine[:3, :3] = nib.eulerangles.euler2mat(np.radians(degrees)) @ LAS[:3, :3] * scale
    affine[:3, 3] = shift_mm
    return affine


def checks(made: nib.Nifti1Image) -> list[tuple[str, str]]:
    return [(finding.level, finding.check) for finding in check_nifti_header(made)]


@pytest.mark.parametrize("made", [image(), image(qform=None), image(sform=None), image(turned(1, 0.5))])
def test_good_headers_are_silent(made: nib.Nifti1Image) -> None:
    assert checks(made) == []


def test_missing_affine() -> None:
    assert checks(image(None, None)) == [("refusal", "no-affine")]


@pytest.mark.parametrize("code", [1, 2, 4])
def test_left_right_swap_between_sform_and_qform(code: int) -> None:
    (finding,) = check_nifti_header(image(np.diag([2.0, 2, 2, 1]), code=code))
    assert (finding.level, finding.check) == ("refusal", "orientation")
    assert "sform the axes point to RAS, by its qform to LAS, and left and right are swapped" in finding.message


def test_half_turn_between_sform_and_qform() -> None:
    assert checks(image(turned(180))) == [("refusal", "orientation")]


@pytest.mark.parametrize("sform", [turned(10), turned(0, 3), turned(0, scale=1.2)])
def test_doubtful_difference_counts_in_the_scanners_space_alone(sform: np.ndarray) -> None:
    assert checks(image(sform)) == [("warning", "sform-qform")]
    assert checks(image(sform, code=4)) == []


@pytest.mark.parametrize(("unit", "size"), [("meter", 0.002), ("micron", 2000)])
def test_units_that_the_voxel_size_bears_out_are_refused(unit: str, size: float) -> None:
    grid = np.diag([-size, size, size, 1])
    assert checks(image(grid, grid, unit=unit)) == [("refusal", "units")]
    assert checks(image(unit=unit)) == [("warning", "units")]


def test_unknown_unit_is_read_as_mm() -> None:
    assert checks(image(unit="unknown")) == []


def test_quaternion_that_is_no_rotation() -> None:
    made = image()
    made.header["quatern_b"] = made.header["quatern_c"] = 0.99
    assert checks(made) == [("refusal", "qform")]
