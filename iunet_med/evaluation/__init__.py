"""Compares predicted label maps with the true ones: Dice per region, a table, a picture."""
