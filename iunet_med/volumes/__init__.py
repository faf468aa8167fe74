"""A file or a DICOM series becomes an array with its affine: one reader for every door."""

from iunet_med.volumes.modality_reader import ModalityReader

__all__ = ["ModalityReader"]
