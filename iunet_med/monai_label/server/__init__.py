"""What MONAI Label runs of an app; needs the package monailabel."""
