"""Packages that only the simulator needs, imported with an error that names the extra which installs them."""

from monai.utils import optional_import

NEEDS_EXTRA = "{} is not possible, but the brain-tumour simulator needs it: pip install 'iunet-med[demo]'"

ndimage, _ = optional_import("scipy.ndimage", descriptor=NEEDS_EXTRA)
