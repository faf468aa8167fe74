"""Tiny DICOM series whose values are a linear function of the position, so that any flip shows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

ROWS, COLUMNS, SLICES = 10, 8, 6
SPACING = (1.25, 0.75)
STEP = 2.5
OBLIQUE = np.linalg.qr(np.array([[1.0, 0.2, -0.3], [0.1, 1.0, 0.4], [0.2, -0.3, 1.0]]))[0]
SLOPE = np.array([3.0, -5.0, 7.0])
"""Value = SLOPE . (R, A, S) + 100."""


def position_of(number: float, step: float = STEP) -> NDArray[np.float64]:
    return np.array([-11.0, 7.0, 30.0]) + number * step * np.cross(OBLIQUE[0], OBLIQUE[1])


def write_slice(path: Path, position: NDArray[np.float64], uids: tuple[str, str], number: int, **changes: Any) -> Path:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    image = Dataset()
    image.file_meta = meta
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    image.StudyInstanceUID, image.SeriesInstanceUID = uids
    image.PatientName, image.PatientID, image.AccessionNumber = "Secret^Name", "SECRET-ID", "SECRET-NUMBER"
    image.PatientBirthDate = "19010203"
    image.Modality, image.SeriesDescription, image.ImageType = "CT", "Secret T1 GD", ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.InstanceNumber = number
    image.Rows, image.Columns, image.SamplesPerPixel = ROWS, COLUMNS, 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 1
    image.ImagePositionPatient = [f"{value:.9f}" for value in position]
    image.ImageOrientationPatient = [f"{value:.10f}" for value in OBLIQUE[:2].ravel()]
    image.PixelSpacing = list(SPACING)
    slope, intercept = 0.02 + 0.001 * number, 10.0 * number
    image.RescaleSlope, image.RescaleIntercept = f"{slope:.3f}", f"{intercept:.1f}"
    rows, columns = np.mgrid[:ROWS, :COLUMNS]
    lps = position + columns[..., None] * SPACING[1] * OBLIQUE[0] + rows[..., None] * SPACING[0] * OBLIQUE[1]
    values = lps * [-1, -1, 1] @ SLOPE + 100
    image.PixelData = np.round((values - intercept) / slope).astype("<i2").tobytes()
    for name, value in changes.items():
        if value is None:
            delattr(image, name)
        else:
            setattr(image, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save_as(path, enforce_file_format=True)
    return path


def write_series(
    root: Path, *, at: list[NDArray[np.float64]] | None = None, uids: tuple[str, str] | None = None, **changes: Any
) -> list[Path]:
    """Write one file per position; names and instance numbers are shuffled."""
    at = [position_of(number) for number in range(SLICES)] if at is None else at
    uids = uids or (generate_uid(), generate_uid())
    numbers = np.random.default_rng(0).permutation(len(at))
    return [
        write_slice(root / f"{number}x", position, uids, int(number), **changes)
        for number, position in zip(numbers, at, strict=True)
    ]


@pytest.fixture
def write() -> Callable[..., list[Path]]:
    return write_series


@pytest.fixture
def at() -> Callable[..., NDArray[np.float64]]:
    return position_of
