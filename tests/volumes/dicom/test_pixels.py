"""Compressed pixels are those of the plain file; what cannot be decoded says what to install or do."""

import locale
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from pydicom import dcmread, examples
from pydicom.data import get_testdata_file
from pydicom.pixels import decoders
from pydicom.uid import UID, JPEG2000Lossless, JPEGLosslessSV1

from iunet_med.volumes.dicom.headers import read_header
from iunet_med.volumes.dicom.pixels import PixelError, read_frames


def values(path: Path) -> np.ndarray:
    (frame,) = read_frames(path.read_bytes(), read_header(path).frames)
    return frame


def sample(name: str) -> Path:
    return Path(str(get_testdata_file(name, download=False)))


@pytest.mark.parametrize("name", ["MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"])
def test_lossless_compression_keeps_the_plain_image(name: str) -> None:
    np.testing.assert_array_equal(values(sample(name)), values(sample("MR_small.dcm")))


@pytest.fixture
def kept_locale() -> Iterator[None]:
    """SimpleITK's JPEG writer leaves the process in the C locale, in which others then read files as ASCII."""
    before = locale.setlocale(locale.LC_ALL)
    yield
    locale.setlocale(locale.LC_ALL, before)


@pytest.mark.usefixtures("kept_locale")
@pytest.mark.parametrize(("compressor", "syntax"), [("JPEG", JPEGLosslessSV1), ("JPEG2000", JPEG2000Lossless)])
def test_what_another_writer_compressed_is_read_as_it_was(tmp_path: Path, compressor: str, syntax: UID) -> None:
    writer = SimpleITK.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.SetFileName(str(tmp_path / "a.dcm"))
    writer.UseCompressionOn()
    writer.SetCompressor(compressor)
    writer.KeepOriginalImageUIDOn()
    writer.Execute(SimpleITK.ReadImage(str(sample("MR_small.dcm"))))
    assert dcmread(tmp_path / "a.dcm").file_meta.TransferSyntaxUID == syntax
    np.testing.assert_array_equal(values(tmp_path / "a.dcm"), values(sample("MR_small.dcm")))


def test_rescale_gives_hounsfield_units() -> None:
    path = Path(str(examples.get_path("ct")))
    data = dcmread(path)
    np.testing.assert_array_equal(values(path), data.pixel_array.astype(float) + float(data.RescaleIntercept))


def test_a_missing_decoder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoders.JPEG2000LosslessDecoder, "_available", {})
    with pytest.raises(PixelError, match=r"cannot be decoded .*pip install 'python-gdcm"):
        values(sample("MR_small_jp2klossless.dcm"))


def test_a_cut_file_is_refused() -> None:
    with pytest.raises(PixelError, match=r"is cut off|cannot be read"):
        values(sample("MR_truncated.dcm"))
