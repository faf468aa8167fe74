"""A compressed image tells its size before it is decoded, and one of another size is refused."""

from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, get_frame

from iunet_med.volumes.dicom.codestream import codestream_size
from iunet_med.volumes.dicom.headers import read_header
from iunet_med.volumes.dicom.pixels import PixelError, read_frames

J2K, JPEG_LS = "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"


def stream(name: str) -> bytes:
    return get_frame(dcmread(str(get_testdata_file(name, download=False))).PixelData, 0, number_of_frames=1)


@pytest.mark.parametrize("name", [J2K, JPEG_LS])
def test_size_is_that_of_the_image(name: str) -> None:
    assert codestream_size(stream(name)) == (64, 64)


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x02", b"plain", b"\xff\xd8" + b"\0" * 40])
def test_what_has_no_header_has_no_size(content: bytes) -> None:
    assert codestream_size(content) is None


def test_a_stream_larger_than_the_header_says_is_not_decoded(tmp_path: Path) -> None:
    data = dcmread(str(get_testdata_file(J2K, download=False)))
    content = stream(J2K)
    place = content.index(b"\xff\x4f\xff\x51") + 8
    bomb = content[:place] + (2**31 - 1).to_bytes(4, "big") * 2 + content[place + 8 :]
    data.PixelData = encapsulate([bomb])
    data.save_as(tmp_path / "bomb.dcm")
    told = r"compressed pixels of size \(2147483647, 2147483647\); its header said \(64, 64\)"
    with pytest.raises(PixelError, match=told):
        list(read_frames((tmp_path / "bomb.dcm").read_bytes(), read_header(tmp_path / "bomb.dcm").frames))
