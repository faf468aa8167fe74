"""What is implausible in an input volume: its grid, its voxels."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from nibabel.affines import voxel_sizes
from numpy.typing import ArrayLike, NDArray

from iunet_med.checks.finding import Finding, refusal, warning
from iunet_med.checks.header import SPACING_MM
from iunet_med.checks.intensities import Statistics, count_outliers, usual_range, volume_statistics
from iunet_med.volumes.grid import voxel_ml

EXTENT_MM = (5.0, 2500.0)
"""The longest side, from a specimen to a scan of the whole body; beyond it the unit is hardly millimetres."""
THIN_MM = 10.0
"""A network of three dimensions sees next to nothing of what lies around so thin a slab."""
MANY_VOXELS = 2**30
"""Twice a whole-body CT of 512 x 512 x 2048 voxels; 4 GiB per copy in float32."""
AIR_HU = -200.0
"""Between fat (-120 to -90 HU) and lung or air (-1000 to -500 HU): a scan of a body that shows no air is not in HU."""
HU = (-8192.0, 32767.0)
"""Beyond the padding and the metal of any scanner's 12 or 16 bits after the usual intercept of -1024 or -8192."""
SATURATED = 1e-3
"""More voxels than this part of the volume at the type's limit are clipped tissue, not one bright vessel."""
SCALE = (1e-15, 1e15)
"""float32 holds 1e-38 to 3e38; the variance of a volume sums squares."""
LARGEST_BRAIN_ML = 2200.0
"""Beyond the space in any adult's skull, 1100 to 1900 ml; a head with its skull and skin has 3000 ml and more."""


def check_volume(
    array: NDArray[Any],
    affine: ArrayLike,
    *,
    modality: Literal["CT", "MR"] | None,
    channels: int = 1,
    zero_background: bool = False,
) -> list[Finding]:
    """Check voxels and grid of one volume, however it was read; refusals come first.

    The memory beyond `array` is that of one plane and, where outliers are searched, of half a million voxels.

    Args:
        array: (X, Y, Z), or (X, Y, Z, C) for several channels in one file. Saturation shows in integers alone.
        affine: voxel index to mm, (4, 4).
        modality: "CT" adds checks of HU; others, where no implant or metal is bright, a search for outliers.
        channels: how many channels are expected in this array; 1 where each modality is an array of its own.
        zero_background: whether the network knows only images that are zero outside the body (skull-stripped heads).
    """
    if found := [*_array(array, channels)]:
        return found
    matrix = np.asarray(affine, np.float64)
    found = [*_grid(matrix, array.shape)]
    if not any(finding.level == "refusal" for finding in found):
        for number in range(channels):
            volume = array if array.ndim == 3 else array[..., number]
            name = f"channel {number}" if channels > 1 else "the image"
            statistics = volume_statistics(volume)
            found += _voxels(statistics, name, volume.dtype)
            if np.float32(statistics.low) < np.float32(statistics.high):
                found += _outliers(volume, statistics, name) if modality != "CT" else ()
                found += _hounsfield(statistics, name) if modality == "CT" else ()
                found += _background(statistics, name, matrix) if zero_background else ()
    return sorted(found, key=lambda finding: finding.level != "refusal")


_LARGEST = np.finfo(np.float32).max


def check_numbers(array: NDArray[Any]) -> list[Finding]:
    """Check that every voxel is one finite real number; what `check_volume` says of it, in a fraction of the time."""
    if array.dtype.kind not in "iufb":
        return [*_array(array, array.shape[3] if array.ndim == 4 else 1)]
    unusable = (
        sum(int(np.count_nonzero(~(np.abs(plane) <= _LARGEST))) for plane in array) if array.dtype.kind == "f" else 0
    )
    return [_not_finite("the image", unusable)] if unusable else []


def _not_finite(name: str, count: int) -> Finding:
    return refusal(
        "not-finite",
        f"{name} has {count:,} voxels that are NaN, infinite or beyond float32; expected numbers; replace them by the "
        "background's value.",
    )


def _array(array: NDArray[Any], channels: int) -> Iterator[Finding]:
    if array.dtype.kind not in "iufb":
        yield refusal(
            "not-numbers",
            f"the voxels have type {array.dtype}; expected one real number per voxel; convert "
            "colours or complex values to an intensity.",
        )
    if array.ndim not in (3, 4) or (array.shape[3] if array.ndim == 4 else 1) != channels:
        expected = f"(X, Y, Z, {channels})" if channels > 1 else "(X, Y, Z)"
        yield refusal(
            "channels",
            f"the array has shape {array.shape}; expected {expected}; choose the volumes of the "
            "channels that the network knows, in its order.",
        )
    elif not array.size:
        yield refusal("empty-image", f"the array has shape {array.shape}, no voxels; export the image again.")


def _grid(affine: NDArray[np.float64], shape: tuple[int, ...]) -> Iterator[Finding]:
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < SPACING_MM[0] ** 3 / 1e6:
        yield refusal(
            "affine",
            f"the affine {affine.tolist()} maps no volume; write the image with the affine of the scanner, in mm.",
        )
        return
    spacing = voxel_sizes(affine)
    extent = spacing * shape[:3]
    if not EXTENT_MM[0] <= extent.max() <= EXTENT_MM[1]:
        yield refusal(
            "physical-size",
            f"the image is {_by(extent)} mm large; expected {_from_to(EXTENT_MM)} mm along its longest side; correct "
            "the voxel size in its header, in mm.",
        )
    elif extent.min() < THIN_MM:
        yield warning(
            "thin", f"the image is {_by(extent)} mm large; usual: {THIN_MM:g} mm and more; take the whole series."
        )
    elif spacing.min() < SPACING_MM[0] or spacing.max() > SPACING_MM[1]:
        yield warning(
            "spacing",
            f"the voxels are {_by(spacing)} mm large; usual: {_from_to(SPACING_MM)} mm; check "
            "the voxel size in the header, or take a thinner series.",
        )
    if (voxels := int(np.prod(shape[:3]))) > MANY_VOXELS:
        yield warning(
            "many-voxels",
            f"the image has {voxels:,} voxels; usual: up to {MANY_VOXELS:,}; it may not fit "
            "in memory: crop it to the region of interest.",
        )


def _voxels(image: Statistics, name: str, dtype: np.dtype[Any]) -> Iterator[Finding]:
    if image.not_finite:
        yield _not_finite(name, image.not_finite)
    elif np.float32(image.low) == np.float32(image.high):
        yield refusal(
            "constant-image", f"{name} is {image.low:g} in every voxel, as float32 holds it; export the image again."
        )
    else:
        yield from _saturated(image, name, dtype)


def _saturated(image: Statistics, name: str, dtype: np.dtype[Any]) -> Iterator[Finding]:
    if dtype.kind not in "iu":
        return
    limits = np.iinfo(dtype)
    at_limit = image.at_high * (image.high == limits.max) + image.at_low * (image.low == limits.min < 0)
    if at_limit > SATURATED * image.voxels:
        yield warning(
            "saturated",
            f"{name} has {at_limit / image.voxels:.1%} of its voxels at the limits "
            f"{limits.min} and {limits.max} of its type {dtype}; values beyond were cut off or wrapped around: export "
            "it again with a wider type.",
        )


def _hounsfield(image: Statistics, name: str) -> Iterator[Finding]:
    found = f"{name} has values from {image.low:g} to {image.high:g}"
    if image.low >= 0:
        yield refusal(
            "not-hu",
            f"{found}; expected HU, where air is near -1000; these look like stored or windowed "
            "values: apply the rescale slope and intercept, and no window.",
        )
    elif image.low > AIR_HU:
        yield warning(
            "no-air",
            f"{found}; a CT in HU has air below {AIR_HU:g}; check that it is in HU, and neither windowed nor scaled.",
        )
    elif image.low < HU[0] or image.high > HU[1]:
        yield warning("beyond-hu", f"{found}; HU lie in {_from_to(HU)}; check the rescale slope and intercept.")


def _outliers(volume: NDArray[Any], image: Statistics, name: str) -> Iterator[Finding]:
    usual = usual_range(volume)
    if usual is None:
        return
    largest = max(abs(usual.p1), abs(usual.p99))
    if not SCALE[0] <= largest <= SCALE[1]:
        yield refusal(
            "scale",
            f"{name} has values of {largest:g}, whose squares float32 cannot hold; expected {_from_to(SCALE)}; scale "
            "the image.",
        )
    elif image.low < usual.lowest or image.high > usual.highest:
        yield warning(
            "outlier",
            f"{name} has {count_outliers(volume, usual):,} voxels far beyond the others, down to {image.low:g} and up "
            f"to {image.high:g}, while 98% of the voxels that are not zero lie from {usual.p1:g} to {usual.p99:g}; "
            "this project's bundles limit them; look at the image, or correct these voxels.",
        )


def _background(image: Statistics, name: str, affine: NDArray[np.float64]) -> Iterator[Finding]:
    if image.high <= 0:
        yield refusal(
            "below-zero",
            f"{name} has no value above zero, at most {image.high:g}; expected a head above zero, on a background of "
            "zero; shift or invert the intensities, or export the image again.",
        )
        return
    seen_ml = (image.voxels - image.zeros) * voxel_ml(affine)
    if image.corners or seen_ml > LARGEST_BRAIN_ML:
        yield warning(
            "background",
            f"{name} is not zero in {image.corners} of its 8 corners and in {seen_ml:.0f} ml; expected a "
            f"skull-stripped head, zero outside the brain, which has up to {LARGEST_BRAIN_ML:.0f} ml; strip the skull "
            "first, by HD-BET or SynthStrip.",
        )


def _by(lengths: NDArray[np.float64]) -> str:
    return " x ".join(f"{length:.4g}" for length in lengths)


def _from_to(limits: tuple[float, float]) -> str:
    return f"{limits[0]:g} to {limits[1]:g}"
