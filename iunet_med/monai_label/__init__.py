"""An app for MONAI Label: `folder` writes one, `server` is what MONAI Label runs of it and alone imports monailabel."""
