"""What the user points at becomes a list of cases with their files or series."""
