"""The affine of a stack is DICOM's formula in R A S; its tolerances stand between rounding and a missing slice."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iunet_med.volumes.dicom.geometry import check_plane, sorted_by_position, stack_slices
from iunet_med.volumes.dicom.headers import Frame

FRAME = Frame(
    path=Path("x"), index=None, size=(4, 5), position=(1.0, 2.0, 3.0), orientation=(1.0, 0, 0, 0, 1.0, 0),
    spacing=(0.5, 0.7), kind=(), repeat=(),
)  # fmt: skip


def stack(*heights: float) -> list[Frame]:
    return [replace(FRAME, position=(1.0, 2.0, height)) for height in heights]


def test_affine_swaps_the_signs_of_l_and_p() -> None:
    expected = [[-0.7, 0, 0, -1], [0, -0.5, 0, -2], [0, 0, 2, 3], [0, 0, 0, 1]]
    np.testing.assert_allclose(stack_slices(stack(3, 5, 7)).affine, expected, atol=1e-12)


def test_positions_rounded_to_a_tenth_are_even_and_a_missing_slice_is_not() -> None:
    assert stack_slices(stack(*np.round(1.25 * np.arange(50), 1))).is_even
    assert not stack_slices(stack(*(number for number in range(50) if number != 25))).is_even


def test_order_is_along_the_normal_not_by_name() -> None:
    shuffled = stack(7, 3, 5)
    assert [frame.position[2] for frame in sorted_by_position(shuffled) if frame.position] == [3, 5, 7]


def test_slices_beside_the_line_are_refused() -> None:
    crooked = stack(0, 1, 2, 3)
    crooked[2] = replace(crooked[2], position=(3.0, 2.0, 2.0))
    with pytest.raises(ValueError, match=r"slice 3 of 4, at \(3\.00, 2\.00, 2\.00\) mm .* lies 2\.00 mm beside"):
        stack_slices(crooked)


@pytest.mark.parametrize(("degrees", "is_upright"), [(0.2, True), (0.5, False), (-0.5, False)])
def test_half_a_degree_is_a_tilt(degrees: float, is_upright: bool) -> None:
    shift = np.tan(np.radians(degrees))
    tilted = [replace(FRAME, position=(1.0, 2.0 + 3 * number * shift, 3.0 * number)) for number in range(20)]
    assert stack_slices(tilted).is_upright == is_upright


@pytest.mark.parametrize(("error", "is_refused"), [(1e-3, False), (0.01, True)])
def test_cosines_rounded_to_three_digits_pass_and_skewed_axes_do_not(error: float, is_refused: bool) -> None:
    frame = replace(FRAME, orientation=(1.0, error, 0, 0, 1.0, 0))
    if is_refused:
        with pytest.raises(ValueError, match="two unit vectors at a right angle"):
            check_plane(frame)
    else:
        check_plane(frame)
