"""The memory and the hardware that a student has at hand."""
