"""An old pydicom is named before anything of it is missing."""

import subprocess
import sys


def test_an_old_pydicom_is_refused_in_one_line() -> None:
    code = "import pydicom; pydicom.__version__ = '2.4.5'\nimport iunet_med.volumes\nimport iunet_med.volumes.dicom"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip().endswith(
        "ImportError: Expected pydicom 3 or newer to read DICOM, found 2.4.5; pip install 'iunet-med[dicom]', in an "
        "environment without MONAI Label."
    )
