"""A file or a DICOM series becomes an array with its affine: one reader for every door."""

from iunet_med.volumes.grid import AFFINE_TOLERANCE, Grid
from iunet_med.volumes.labels import whole_numbers
from iunet_med.volumes.read import ENDINGS, read_grid, read_header, read_volume
from iunet_med.volumes.volume import Volume
from iunet_med.volumes.write import write_nifti

__all__ = [
    "AFFINE_TOLERANCE",
    "ENDINGS",
    "Grid",
    "Volume",
    "read_grid",
    "read_header",
    "read_volume",
    "whole_numbers",
    "write_nifti",
]
