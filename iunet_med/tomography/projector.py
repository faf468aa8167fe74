"""Line integrals of a volume along parallel rays, around an axis that may be slanted and wander, and their adjoint."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample


@dataclass(frozen=True)
class Geometry:
    """From where a volume is seen: one angle after another around its Z axis, which need not stand upright.

    Args:
        angles: (A,) in radians. At angle 0 the rays run along Y and the detector's columns along X.
        tilts: (A, 2) in radians: by how much the axis leans about X and about Y at each angle. A constant lean is a
            slanted axis, one that changes a perturbed one.
        shifts: (A, 2) in voxels: by how much the object has moved along the detector's columns and rows.

    Raises:
        ValueError: no angle, or tilts or shifts of another number.
    """

    angles: Tensor
    tilts: Tensor
    shifts: Tensor

    def __post_init__(self) -> None:
        count = self.angles.numel()
        if self.angles.ndim != 1 or not count:
            raise ValueError(f"angles: expected one or more in a row, got shape {tuple(self.angles.shape)}.")
        for name in ("tilts", "shifts"):
            if tuple(getattr(self, name).shape) != (count, 2):
                raise ValueError(f"{name}: expected shape {(count, 2)}, got {tuple(getattr(self, name).shape)}.")

    @staticmethod
    def upright(count: int) -> Geometry:
        """`count` angles spread evenly over half a turn, around the Z axis itself."""
        if count < 1:
            raise ValueError(f"count={count}: expected one angle or more.")
        angles = torch.arange(count, dtype=torch.float64) * (math.pi / count)
        return Geometry(angles, torch.zeros(count, 2, dtype=torch.float64), torch.zeros(count, 2, dtype=torch.float64))

    @staticmethod
    def perturbed(count: int, *, slant: float, jitter: float, shift: float, generator: torch.Generator) -> Geometry:
        """The same angles around a slanted axis that wanders from angle to angle.

        Args:
            count: number of angles.
            slant: how much the axis leans, in radians; the direction is drawn.
            jitter: standard deviation of its lean at each angle, in radians.
            shift: standard deviation of the object's place at each angle, in voxels.
            generator: the source of chance.
        """
        plain = Geometry.upright(count)
        towards = 2 * math.pi * torch.rand(1, generator=generator, dtype=torch.float64)
        lean = slant * torch.cat([towards.cos(), towards.sin()])
        tilts = lean + jitter * torch.randn(count, 2, generator=generator, dtype=torch.float64)
        return Geometry(plain.angles, tilts, shift * torch.randn(count, 2, generator=generator, dtype=torch.float64))

    def __len__(self) -> int:
        return len(self.angles)

    def __getitem__(self, which: slice) -> Geometry:
        """Some of the angles, with their tilts and shifts."""
        return Geometry(self.angles[which], self.tilts[which], self.shifts[which])

    def rotations(self) -> Tensor:
        """(A, 3, 3): how the object is turned at each angle, on coordinates (x, y, z)."""
        about_x, about_y, about_z = (
            _rotation(angle, axis) for angle, axis in ((self.tilts[:, 0], 0), (self.tilts[:, 1], 1), (self.angles, 2))
        )
        return about_z @ about_y @ about_x


def project(volume: Tensor, geometry: Geometry) -> Tensor:
    """(B, 1, N, N, Z) -> (B, A, N, Z): line integrals in voxels, by trilinear interpolation; linear in the volume.

    The detector's columns are the volume's X, its rows the volume's Z. The volume is zero outside; it should be empty
    outside of the cylinder with radius N / 2. Its derivative is `backproject`, and nothing is stored for it.

    Raises:
        ValueError: another shape.
    """
    if volume.ndim != 5 or volume.shape[1] != 1 or volume.shape[2] != volume.shape[3]:
        raise ValueError(f"volume: expected shape (B, 1, N, N, Z), got {tuple(volume.shape)}.")
    sinogram: Tensor = _Project.apply(volume, geometry)  # type: ignore[no-untyped-call]
    return sinogram


def backproject(sinogram: Tensor, geometry: Geometry) -> Tensor:
    """(B, A, N, Z) -> (B, 1, N, N, Z): the exact adjoint of `project`, which is its derivative in turn.

    Raises:
        ValueError: another number of angles.
    """
    if sinogram.ndim != 4 or sinogram.shape[1] != len(geometry):
        raise ValueError(f"sinogram: expected shape (B, {len(geometry)}, N, Z), got {tuple(sinogram.shape)}.")
    volume: Tensor = _Backproject.apply(sinogram, geometry)  # type: ignore[no-untyped-call]
    return volume


class _Project(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, volume: Tensor, geometry: Geometry) -> Tensor:
        ctx.geometry = geometry
        return torch.stack([_view(volume, geometry, index) for index in range(len(geometry))], 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return backproject(gradients[0], ctx.geometry), None


class _Backproject(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, sinogram: Tensor, geometry: Geometry) -> Tensor:
        ctx.geometry = geometry
        batch, _, columns, rows = sinogram.shape
        volume = sinogram.new_zeros(batch, 1, columns, columns, rows)
        for index in range(len(geometry)):
            with torch.enable_grad():
                place = torch.zeros_like(volume, requires_grad=True)
                view = _view(place, geometry, index)
            volume += torch.autograd.grad(view, place, sinogram[:, index])[0]
        return volume

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return project(gradients[0], ctx.geometry), None


def _view(volume: Tensor, geometry: Geometry, index: int) -> Tensor:
    """The projection at one angle, (B, X, Z)."""
    turn = geometry.rotations()[index].to(volume)
    size = torch.tensor(volume.shape[2:], dtype=volume.dtype, device=volume.device)
    # A voxel's place is that of the turned object; grid_sample asks where it came from, in units of half the size.
    back = turn.T * (size[None, :] / size[:, None])
    moved = torch.stack([geometry.shifts[index, 0], geometry.shifts[index, 0] * 0, geometry.shifts[index, 1]]).to(
        volume
    )
    offset = -(turn.T @ moved) * 2 / size
    # grid_sample numbers coordinates from the last axis on.
    theta = torch.cat([back, offset[:, None]], 1)
    theta = torch.cat([theta.flip(0)[:, :3].flip(1), theta.flip(0)[:, 3:]], 1)
    grid = affine_grid(theta[None].expand(len(volume), 3, 4), list(volume.shape), align_corners=False)
    return grid_sample(volume, grid, align_corners=False)[:, 0].sum(2)


def _rotation(angle: Tensor, axis: int) -> Tensor:
    first, second = (other for other in range(3) if other != axis)
    sign = -1.0 if axis == 1 else 1.0
    matrix = torch.eye(3, dtype=angle.dtype).repeat(len(angle), 1, 1)
    matrix[:, first, first] = matrix[:, second, second] = angle.cos()
    matrix[:, first, second], matrix[:, second, first] = -sign * angle.sin(), sign * angle.sin()
    return matrix
