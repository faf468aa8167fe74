"""Slices in radiological orientation, outlines and their colours."""
