"""A run on disk: its folder, stages, resume and cache."""
