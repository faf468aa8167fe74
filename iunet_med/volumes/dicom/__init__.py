"""Folders of DICOM as series of slices, and a series as a NIfTI volume."""

import pydicom

if int(pydicom.__version__.partition(".")[0]) < 3:
    raise ImportError(
        f"Expected pydicom 3 or newer to read DICOM, found {pydicom.__version__}; pip install 'iunet-med[dicom]', in "
        "an environment without MONAI Label."
    )

from iunet_med.volumes.dicom.found import FoundSeries, LeftOut, find_series
from iunet_med.volumes.dicom.matching import match_modalities
from iunet_med.volumes.dicom.series import Series
from iunet_med.volumes.dicom.volume import read_series

__all__ = ["FoundSeries", "LeftOut", "Series", "find_series", "match_modalities", "read_series"]
