"""Judges whether the reasoning of a reply earns its answer."""
