"""Where a stack of slices lies in the patient, how even and how upright it is, and what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iunet_med.volumes.dicom.headers import Frame
from iunet_med.volumes.grid import LPS_TO_RAS

ORIENTATION_TOLERANCE = 2e-3
"""Direction cosines may differ by this, and from right angles: some writers round them to three digits."""

SAME_PLACE_MM = 1e-3
"""Slices nearer than this lie at the same place: positions are written to a hundredth of a millimetre or better."""

TILT_TOLERANCE = 5e-3
"""Slices may shift in their plane by this share of the stack's height, 0.3 degrees: more than rounded cosines cause,
less than the half degree by which scanners set a gantry."""

EVEN_TOLERANCE = 0.1
"""A slice may lie this share of a step off the even grid. Positions rounded to 0.1 mm do, at steps down to 1 mm; a
missing slice moves others by nearly half a step."""


@dataclass(frozen=True)
class Stack:
    """A stack's 4 x 4 affine from (column, row, slice) to R A S millimetres, and its slices' heights above the first
    one in units of the affine's step: 0, 1, 2, ... where the spacing is even."""

    affine: NDArray[np.float64]
    steps: NDArray[np.float64]
    gaps_mm: NDArray[np.float64]

    @property
    def is_even(self) -> bool:
        """Whether every slice lies on the grid."""
        return bool((abs(self.steps - np.arange(len(self.steps))) <= EVEN_TOLERANCE).all())

    @property
    def height_step(self) -> NDArray[np.float64]:
        """The part of the affine's step that leads along the normal of the slices; the rest is a shift in the plane."""
        normal: NDArray[np.float64] = np.cross(self.affine[:3, 0], self.affine[:3, 1])
        return normal * float(self.affine[:3, 2] @ normal / (normal @ normal))

    @property
    def tilt(self) -> float:
        """The tangent of the angle between the normal and the way from slice to slice."""
        height = self.height_step
        return float(np.linalg.norm(self.affine[:3, 2] - height) / np.linalg.norm(height))

    @property
    def is_upright(self) -> bool:
        """Whether the slices lie above each other, as far as rounded numbers tell."""
        return self.tilt <= TILT_TOLERANCE

    @property
    def is_regular(self) -> bool:
        """Whether the stack is a volume as it is."""
        return self.is_even and self.is_upright

    def place_of(self, number: int) -> NDArray[np.float64]:
        """Return the affine of one slice alone: on the even grid if the stack is even, else where it was found."""
        affine: NDArray[np.float64] = self.affine.copy()
        affine[:3, 3] += affine[:3, 2] * (number if self.is_even else self.steps[number])
        return affine


def has_geometry(frame: Frame) -> bool:
    """Whether the frame says where it lies."""
    return None not in (frame.position, frame.orientation, frame.spacing)


def heights(frames: Sequence[Frame]) -> NDArray[np.float64]:
    """Return the positions (mm) along the first frame's normal, the cross product of its row and column directions."""
    along_row, along_column = _axes(frames[0])
    return np.array([frame.position for frame in frames]) @ np.cross(along_row, along_column)


def sorted_by_position(frames: Sequence[Frame]) -> list[Frame]:
    """Sort frames along the normal, or by name where one of them does not say where it lies."""
    if all(map(has_geometry, frames)):
        return [frames[number] for number in np.argsort(heights(frames), kind="stable")]
    return sorted(frames, key=lambda frame: (frame.path, frame.index or 0))


def check_plane(frame: Frame) -> None:
    """Refuse a frame that does not say where it lies.

    Raises:
        ValueError: names what is missing or impossible.
    """
    wanted = {
        "ImagePositionPatient": frame.position,
        "ImageOrientationPatient": frame.orientation,
        "PixelSpacing": frame.spacing,
    }
    if missing := [name for name, value in wanted.items() if value is None]:
        raise ValueError(f"has no valid {', '.join(missing)}; a volume needs them, so export the series again")
    if min(frame.spacing or ()) <= 0:
        raise ValueError(f"has PixelSpacing {frame.spacing}; expected positive millimetres")
    axes = _axes(frame)
    if not np.allclose(axes @ axes.T, np.eye(2), rtol=0, atol=2 * ORIENTATION_TOLERANCE):
        raise ValueError(f"has ImageOrientationPatient {frame.orientation}; expected two unit vectors at a right angle")


def stack_slices(frames: Sequence[Frame]) -> Stack:
    """Measure a stack whose frames are sorted along the normal.

    The affine's step leads from the first to the last slice, in as many steps as there are gaps.

    Raises:
        ValueError: for slices at the same place, or beside the line from the first to the last one.
    """
    positions = np.array([frame.position for frame in frames])
    along_row, along_column = _axes(frames[0])
    normal = np.cross(along_row, along_column)
    gaps = np.diff(positions @ normal)
    if (same := np.flatnonzero(gaps < SAME_PLACE_MM)).size:
        raise ValueError(
            f"{same.size} pairs of different slices lie at the same place, the first at {_mm(positions[same[0]])} mm "
            "(L, P, S); export one acquisition per series, or take the others away"
        )
    way = positions[-1] - positions[0]
    height = way @ normal
    row_mm, column_mm = frames[0].spacing or ()
    step = way / (len(frames) - 1)
    sideways = np.linalg.norm(
        positions - positions[0] - np.outer((positions - positions[0]) @ step, step) / (step @ step), axis=1
    )
    if (worst := sideways.argmax()) and sideways[worst] > max(
        EVEN_TOLERANCE * np.linalg.norm(step), TILT_TOLERANCE * height
    ):
        raise ValueError(
            f"slice {worst + 1} of {len(frames)}, at {_mm(positions[worst])} mm (L, P, S), lies "
            f"{sideways[worst]:.2f} mm beside the line through the first and the last one; "
            "resample the slices to a straight stack"
        )
    affine = np.eye(4)
    affine[:3] = np.column_stack([along_row * column_mm, along_column * row_mm, step, positions[0]])
    steps = np.concatenate([[0], np.cumsum(gaps)]) * (len(frames) - 1) / height
    return Stack(affine=LPS_TO_RAS @ affine, steps=steps, gaps_mm=gaps)


def irregular_message(stack: Stack) -> str:
    """Say what is wrong with a stack that is tilted or not even, and what to do."""
    causes = [*([] if stack.is_even else [_uneven(stack)]), *([] if stack.is_upright else [_tilted(stack)])]
    return (
        f"{'; '.join(causes)}; get {'the whole' if stack.is_upright else 'an upright'} series, or let it be resampled "
        "to even, upright slices (--resample-uneven)"
    )


def _tilted(stack: Stack) -> str:
    count = len(stack.steps)
    height = float(stack.gaps_mm.sum())
    return (
        f"the slices are tilted by {np.degrees(np.arctan(stack.tilt)):.2f} degrees: they shift by "
        f"{stack.tilt * height:.2f} mm in their plane over {height:.2f} mm of height in {count} slices"
    )


def _uneven(stack: Stack) -> str:
    usual = float(np.median(stack.gaps_mm))
    odd = np.flatnonzero(abs(stack.gaps_mm - usual) > EVEN_TOLERANCE * usual)
    where = ", ".join(f"{stack.gaps_mm[gap]:.3f} mm after slice {gap + 1}" for gap in odd[:5])
    whole = np.round(stack.gaps_mm / usual)
    missing = int((whole - 1).sum())
    cause = (
        f"{missing} slices seem to be missing"
        if missing > 0 and np.allclose(stack.gaps_mm, whole * usual, rtol=0, atol=EVEN_TOLERANCE * usual)
        else "the slices are not evenly spaced"
    )
    return (
        f"{cause}: the gaps between {len(stack.steps)} slices are {stack.gaps_mm.min():.3f} to "
        f"{stack.gaps_mm.max():.3f} mm, usually {usual:.3f} mm"
        f"{', but ' + where if where else ''}{', ...' if odd.size > 5 else ''}"
    )


def _axes(frame: Frame) -> NDArray[np.float64]:
    return np.array(frame.orientation, dtype=np.float64).reshape(2, 3)


def _mm(position: NDArray[np.float64]) -> str:
    return f"({', '.join(f'{value:.2f}' for value in position)})"
