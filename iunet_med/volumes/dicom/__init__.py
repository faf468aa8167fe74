"""Folders of DICOM as series of slices, and a series as a NIfTI volume."""

from iunet_med.volumes.dicom.found import FoundSeries, LeftOut, find_series
from iunet_med.volumes.dicom.matching import match_modalities
from iunet_med.volumes.dicom.reconstructions import choose_series, slice_step_mm
from iunet_med.volumes.dicom.series import Series
from iunet_med.volumes.dicom.volume import read_series

__all__ = [
    "FoundSeries",
    "LeftOut",
    "Series",
    "choose_series",
    "find_series",
    "match_modalities",
    "read_series",
    "slice_step_mm",
]
