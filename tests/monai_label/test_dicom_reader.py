"""The one reader of DICOM by pydicom 2, which MONAI Label needs: the values of pydicom 3, to the last bit."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import EnhancedMRImageStorage

from iunet_med.volumes.dicom.headers import read_header
from iunet_med.volumes.dicom.pixels import read_frames
from tests.monai_label.conftest import ROOT

pytestmark = pytest.mark.slow
READ = """
import sys, numpy as np
from pathlib import Path
from iunet_med.volumes.dicom.headers import read_header
from iunet_med.volumes.dicom.pixels import PixelError, read_frames
for name in sys.argv[2:]:
    path = Path(name)
    try:
        frames = list(read_frames(path.read_bytes(), read_header(path).frames))
    except PixelError as error:
        print(path.name, error)
    else:
        np.save(Path(sys.argv[1], path.name + ".npy"), np.stack(frames))
"""
NAMES = ("CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_bigendian.dcm")
CUT = "MR_truncated.dcm"


def three_frames(folder: Path) -> Path:
    """A file with three images, each twice as bright as the one before."""
    data = dcmread(str(get_testdata_file("MR_small.dcm", download=False)))
    first = data.pixel_array // 8
    data.SOPClassUID, data.NumberOfFrames = EnhancedMRImageStorage, 3
    data.SharedFunctionalGroupsSequence, data.PerFrameFunctionalGroupsSequence = [Dataset()], [Dataset() for _ in "123"]
    data.PixelData = np.stack([first, 2 * first, 4 * first]).astype("<i2").tobytes()
    data.save_as(path := folder / "three.dcm")
    return path


def test_values_are_those_of_pydicom_3(label_python: Path, tmp_path: Path) -> None:
    paths = [Path(str(get_testdata_file(name, download=False))) for name in (*NAMES, CUT)]
    paths.insert(0, three_frames(tmp_path))
    command = [str(label_python), "-c", READ, str(tmp_path), *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{CUT} is cut off")
    for path in paths[:-1]:
        wanted = np.stack(list(read_frames(path.read_bytes(), read_header(path).frames)))
        np.testing.assert_array_equal(np.load(tmp_path / f"{path.name}.npy"), wanted)
