"""A run directory in figures and in words."""
