"""Measurements: the reference's way and ours, side by side on one machine."""
