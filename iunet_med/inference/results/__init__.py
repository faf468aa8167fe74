"""The files that a case leaves: label map, sidecar, DICOM segmentation, table rows."""
