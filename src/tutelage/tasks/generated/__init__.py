"""Tasks with generated problems."""
