"""An array with its affine, or a label map, becomes findings: one set of checks for every door."""
