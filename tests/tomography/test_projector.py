"""Projections of what has a formula, the adjoint's law, and the axis that leans."""

import math

import pytest
import torch

from iunet_med.tomography import Geometry, backproject, project

DOUBLE = torch.float64


def ball(size: int, radius: float, centre: tuple[float, float, float] = (0, 0, 0)) -> torch.Tensor:
    """A ball of ones whose edge voxels take their share, (1, 1, size, size, size)."""
    place = torch.arange(size, dtype=DOUBLE) - (size - 1) / 2
    x, y, z = (p - c for p, c in zip(torch.meshgrid(place, place, place, indexing="ij"), centre, strict=True))
    return (radius - (x * x + y * y + z * z).sqrt() + 0.5).clamp(0, 1)[None, None]


def wandering(count: int, seed: int = 0) -> Geometry:
    return Geometry.perturbed(count, slant=0.2, jitter=0.05, shift=1.0, generator=torch.Generator().manual_seed(seed))


def test_a_ball_s_shadow_is_its_chord() -> None:
    radius, size = 12.0, 40
    shadows = project(ball(size, radius), Geometry.upright(7))[0]
    place = torch.arange(size, dtype=DOUBLE) - (size - 1) / 2
    u, v = torch.meshgrid(place, place, indexing="ij")
    chord = 2 * (radius**2 - u * u - v * v).clamp_min(0).sqrt()
    inside = chord > 15
    for shadow in shadows:
        assert (shadow - chord)[inside].abs().max() < 0.25  # voxels are no ball at the rim
        assert shadow[(u * u + v * v).sqrt() > radius + 2].abs().max() == 0
        torch.testing.assert_close(shadow.sum(), chord.sum(), rtol=0.01, atol=0)


@pytest.mark.parametrize("geometry", [Geometry.upright(5), wandering(5)])
def test_the_adjoint_s_law(geometry: Geometry) -> None:
    torch.manual_seed(0)
    volume, sinogram = torch.randn(2, 1, 12, 12, 9, dtype=DOUBLE), torch.randn(2, 5, 12, 9, dtype=DOUBLE)
    left = (project(volume, geometry) * sinogram).sum()
    right = (volume * backproject(sinogram, geometry)).sum()
    torch.testing.assert_close(left, right, rtol=1e-12, atol=0)


def test_both_derivatives_are_torch_s_own() -> None:
    geometry = wandering(2)
    volume = torch.randn(1, 1, 5, 5, 4, dtype=DOUBLE, requires_grad=True)
    sinogram = torch.randn(1, 2, 5, 4, dtype=DOUBLE, requires_grad=True)
    for function, argument in ((project, volume), (backproject, sinogram)):
        assert torch.autograd.gradcheck(lambda x, f=function: f(x, geometry), argument)
        assert torch.autograd.gradgradcheck(lambda x, f=function: f(x, geometry), argument)


def test_a_leaning_axis_moves_a_ball_as_the_rotation_says() -> None:
    centre = torch.tensor([5.0, -3.0, 8.0], dtype=DOUBLE)
    geometry = wandering(9)
    shadows = project(ball(48, 4.0, tuple(centre.tolist())), geometry)[0]
    place = torch.arange(48, dtype=DOUBLE) - 47 / 2
    for shadow, turn, shift in zip(shadows, geometry.rotations(), geometry.shifts, strict=True):
        expected = (turn @ centre)[[0, 2]] + shift
        found = torch.stack([(shadow.sum(1) * place).sum(), (shadow.sum(0) * place).sum()]) / shadow.sum()
        torch.testing.assert_close(found, expected, rtol=0, atol=0.02)


def test_rotations_are_rotations() -> None:
    turns = wandering(6).rotations()
    torch.testing.assert_close(turns @ turns.mT, torch.eye(3, dtype=DOUBLE).expand(6, 3, 3))
    torch.testing.assert_close(torch.linalg.det(turns), torch.ones(6, dtype=DOUBLE))
    quarter = Geometry(torch.tensor([math.pi / 2], dtype=DOUBLE), *(torch.zeros(1, 2, dtype=DOUBLE) for _ in range(2)))
    x = torch.tensor([1.0, 0, 0], dtype=DOUBLE)
    torch.testing.assert_close(quarter.rotations()[0] @ x, torch.tensor([0.0, 1, 0], dtype=DOUBLE))


def test_bad_shapes_are_told() -> None:
    geometry = Geometry.upright(3)
    with pytest.raises(ValueError, match=r"expected shape \(B, 1, N, N, Z\), got \(1, 1, 4, 5, 4\)"):
        project(torch.zeros(1, 1, 4, 5, 4), geometry)
    with pytest.raises(ValueError, match=r"expected shape \(B, 3, N, Z\)"):
        backproject(torch.zeros(1, 4, 4, 4), geometry)
    with pytest.raises(ValueError, match="count=0: expected one angle or more"):
        Geometry.upright(0)
    with pytest.raises(ValueError, match=r"tilts: expected shape \(3, 2\)"):
        Geometry(geometry.angles, torch.zeros(2, 2), geometry.shifts)
