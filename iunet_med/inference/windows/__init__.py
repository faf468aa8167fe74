"""Windows over an image, and what is collected while they run."""
