"""A header is doubted or refused for what it says of the geometry, and a good one is not."""

import nibabel as nib
import numpy as np
import pytest

from iunet_med.checks.header import check_nifti_header

LAS = np.diag([-2.0, 2, 2, 1])


def header(
    sform: np.ndarray | None = LAS, qform: np.ndarray | None = LAS, *, code: int = 1, unit: str = "mm"
) -> nib.Nifti1Header:
    made = nib.Nifti1Image(np.zeros((4, 4, 4), np.uint8), None)
    made.header.set_zooms((2, 2, 2))
    made.header.set_xyzt_units(unit)
    if qform is not None:
        made.set_qform(qform, code=1)
    if sform is not None:
        made.set_sform(sform, code=code)
    return made.header


def turned(degrees: float, shift_mm: float = 0, scale: float = 1) -> np.ndarray:
    affine = LAS.copy()
    affine[:3, :3] = nib.eulerangles.euler2mat(np.radians(degrees)) @ LAS[:3, :3] * scale
    affine[:3, 3] = shift_mm
    return affine


def checks(made: nib.Nifti1Header) -> list[tuple[str, str]]:
    return [(finding.level, finding.check) for finding in check_nifti_header(made)]


@pytest.mark.parametrize("made", [header(), header(qform=None), header(sform=None), header(turned(1, 0.1))])
def test_good_headers_are_silent(made: nib.Nifti1Header) -> None:
    assert checks(made) == []


def test_missing_affine() -> None:
    assert checks(header(None, None)) == [("refusal", "no-affine")]


@pytest.mark.parametrize("code", [1, 2, 4])
def test_left_right_swap_between_sform_and_qform(code: int) -> None:
    (finding,) = check_nifti_header(header(np.diag([2.0, 2, 2, 1]), code=code))
    assert (finding.level, finding.check) == ("refusal", "orientation")
    assert "sform the axes point to RAS, by its qform to LAS, and left and right are swapped" in finding.message


def test_half_turn_between_sform_and_qform() -> None:
    assert checks(header(turned(180))) == [("refusal", "orientation")]


@pytest.mark.parametrize(
    ("sform", "code", "found"),
    [
        (turned(0, 3), 1, [("warning", "sform-qform")]),
        (turned(2), 1, []),  # a corner of this small volume moves by 0.3 mm
        (turned(4), 1, [("warning", "sform-qform")]),
        (turned(6), 1, [("refusal", "forms")]),
        (turned(0, 21), 1, [("refusal", "forms")]),
        (turned(0, scale=1.03), 1, [("refusal", "forms")]),
        (turned(20, 40, 1.3), 4, [("warning", "sform-qform")]),
        (turned(0, scale=1.6), 4, [("refusal", "forms")]),
    ],
)
def test_two_forms_are_told_or_refused_by_how_far_they_are_apart(
    sform: np.ndarray, code: int, found: list[tuple[str, str]]
) -> None:
    assert checks(header(sform, code=code)) == found


def test_the_message_says_how_far_a_corner_moves() -> None:
    (finding,) = check_nifti_header(header(turned(0, 3)))
    assert "sform (code 1) and qform (code 1) differ by 0.0 degrees, 3.0 mm" in finding.message
    assert f"a corner of the volume moves {3 * 3**0.5:.1f} mm; the sform is used" in finding.message


@pytest.mark.parametrize(("degrees", "found"), [(0.3, []), (5, ["shear"]), (35, ["shear"])])
def test_axes_that_are_not_at_right_angles(degrees: float, found: list[str]) -> None:
    sheared = LAS.copy()
    sheared[0, 1] = 2 * np.sin(np.radians(degrees))
    sheared[1, 1] = 2 * np.cos(np.radians(degrees))
    findings = check_nifti_header(header(sheared, None))
    assert [finding.check for finding in findings] == found
    assert [finding.level == "refusal" for finding in findings] == [degrees > 30] * len(found)


@pytest.mark.parametrize("size", [0.0, -2.0, np.nan, np.inf])
def test_voxel_sizes_that_are_no_lengths(size: float) -> None:
    made = header()
    made["pixdim"][2] = size
    assert checks(made) == [("refusal", "pixdim")]


@pytest.mark.parametrize(("unit", "size"), [("meter", 0.002), ("micron", 2000)])
def test_units_that_the_voxel_size_bears_out_are_refused(unit: str, size: float) -> None:
    grid = np.diag([-size, size, size, 1])
    assert checks(header(grid, grid, unit=unit)) == [("refusal", "units")]
    assert checks(header(unit=unit)) == [("warning", "units")]


def test_unknown_unit_is_read_as_mm() -> None:
    assert checks(header(unit="unknown")) == []


def test_quaternion_that_is_no_rotation() -> None:
    made = header()
    made["quatern_b"] = made["quatern_c"] = 0.99
    assert checks(made) == [("refusal", "qform")]
