"""A file with many frames is read like one file per slice, by its per-frame groups."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage

from iunet_med.volumes.dicom import find_series, read_series


def item(**values: object) -> Sequence:
    data = Dataset()
    for name, value in values.items():
        setattr(data, name, value)
    return Sequence([data])


def test_an_enhanced_file_is_the_volume_of_its_slices(tmp_path: Path, write: Callable[..., list[Path]]) -> None:
    slices = [dcmread(path) for path in write(tmp_path / "plain")]
    slices = [slices[number] for number in (3, 0, 5, 1, 4, 2)]
    joined = dcmread(tmp_path / "plain/0x")
    joined.SOPClassUID, joined.NumberOfFrames = EnhancedCTImageStorage, len(slices)
    joined.PixelData = b"".join(one.PixelData for one in slices)
    joined.PerFrameFunctionalGroupsSequence = Sequence()
    for one in slices:
        joined.PerFrameFunctionalGroupsSequence += item(
            PlanePositionSequence=item(ImagePositionPatient=one.ImagePositionPatient),
            PixelValueTransformationSequence=item(RescaleSlope=one.RescaleSlope, RescaleIntercept=one.RescaleIntercept),
        )
    joined.SharedFunctionalGroupsSequence = item(
        PlaneOrientationSequence=item(ImageOrientationPatient=joined.ImageOrientationPatient),
        PixelMeasuresSequence=item(PixelSpacing=joined.PixelSpacing),
    )
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept"):
        delattr(joined, name)
    (tmp_path / "joined").mkdir()
    joined.save_as(tmp_path / "joined/one")
    plain, enhanced = (read_series(find_series(tmp_path / name).series[0]) for name in ("plain", "joined"))
    np.testing.assert_array_equal(enhanced.get_fdata(), plain.get_fdata())
    np.testing.assert_allclose(enhanced.affine, plain.affine)
