"""What scanners and preparation make of ideal images: slices, blur, coils, motion, noise, shifts between scans."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from iunet_med.datasets.simulation.fields import Grid, Volume, smooth_field


def stripped(rng: np.random.Generator, brain: NDArray[np.bool_], grid: Grid) -> NDArray[np.bool_]:
    """The brain's mask as tools find it, (X, Y, Z): right half of the time, else too wide or too tight in places."""
    if rng.random() < 0.5:
        return brain
    places = np.clip(0.4 + smooth_field(rng, grid, length_mm=float(rng.uniform(20, 60))), 0, 2)
    wide = rng.random() < 0.6
    away = ndimage.distance_transform_edt(~brain if wide else brain, sampling=grid.spacing_mm)
    if wide:
        return np.asarray(brain | (away < rng.uniform(1, 7) * places))
    return np.asarray(away > rng.uniform(1, 5) * places)


def session(
    rng: np.random.Generator, images: dict[str, Volume], mask: NDArray[np.bool_], grid: Grid
) -> dict[str, Volume]:
    """One scan per modality, 0 outside the mask, each of another brightness and quality."""
    return {name: _scan(rng, image, grid, moved=index > 0) * mask for index, (name, image) in enumerate(images.items())}


def _scan(rng: np.random.Generator, image: Volume, grid: Grid, *, moved: bool) -> Volume:
    if moved and rng.random() < 0.35:
        image = _misplaced(rng, image, grid)
    image = _slices(rng, image, grid)
    if rng.random() < 0.1:
        image = _ghosts(rng, image)
    coil = smooth_field(rng, grid, length_mm=float(rng.uniform(60, 120)))
    image = image * np.exp(np.float32(rng.uniform(0.01, 0.18)) * coil)
    sigma = np.float32(np.exp(rng.uniform(np.log(0.012), np.log(0.08))))
    real, imaginary = (sigma * rng.standard_normal(grid.shape, dtype=np.float32) for _ in range(2))
    image = np.hypot(image + real, imaginary)
    top = np.float32(np.percentile(image, 99.9))
    image = top * np.clip(image / top, 0, None) ** np.float32(np.exp(rng.normal(0, 0.15)))
    if rng.random() < 0.05:
        image = np.where(rng.random(grid.shape, dtype=np.float32) < 2e-5, 8 * top, image)
    return np.asarray(image * np.exp(rng.uniform(np.log(100), np.log(2000))) / top, dtype=np.float32)


def _slices(rng: np.random.Generator, image: Volume, grid: Grid) -> Volume:
    """Blur in the plane, and slices of up to 7 mm that were brought to the grid's voxels by interpolation."""
    axis = int(rng.choice(3, p=[0.15, 0.15, 0.7]))
    thickness = float(rng.uniform(2, 7)) if rng.random() < 0.5 else float(rng.uniform(0.8, 2))
    sigma = np.full(3, rng.uniform(0.3, 1.0))
    sigma[axis] = thickness / 3
    blurred = ndimage.gaussian_filter(image, sigma / grid.spacing_mm)
    if thickness <= 2 * grid.spacing_mm:
        return np.asarray(blurred)
    length = image.shape[axis]
    step = thickness / grid.spacing_mm
    at = np.arange(rng.uniform(0, step), length - 1, step)
    below = np.clip(np.searchsorted(at, np.arange(length)) - 1, 0, len(at) - 2)
    shape = np.roll([-1, 1, 1], axis)
    weight = np.clip((np.arange(length) - at[below]) / step, 0, 1).astype(np.float32).reshape(shape)
    planes = np.take(blurred, np.round(at).astype(int), axis)
    return np.asarray(np.take(planes, below, axis) * (1 - weight) + np.take(planes, below + 1, axis) * weight)


def _misplaced(rng: np.random.Generator, image: Volume, grid: Grid) -> Volume:
    """The image turned by about a degree and moved by about a millimetre, as where registration went wrong."""
    turn = Rotation.from_rotvec(np.radians(rng.normal(0, 1.0, 3))).as_matrix()
    centre = (np.array(image.shape) - 1) / 2
    offset = centre - turn @ centre + rng.normal(0, 1.0, 3) / grid.spacing_mm
    return np.asarray(ndimage.affine_transform(image, turn, offset, order=1, mode="nearest"))


def _ghosts(rng: np.random.Generator, image: Volume) -> Volume:
    """Faint copies of the head along one axis, as of motion during the scan."""
    axis, steps = int(rng.integers(2)), int(rng.integers(4, 30))
    copies = np.roll(image, steps, axis) + np.roll(image, -steps, axis)
    return np.asarray(image + np.float32(rng.uniform(0.03, 0.15)) * copies)
