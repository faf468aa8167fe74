"""The affine of a stack is DICOM's formula in R A S; its tolerances stand between rounding and a missing slice."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iunet_med.volumes.dicom.geometry import sorted_by_position, stack_slices
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
