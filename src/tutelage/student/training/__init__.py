"""Training of the student for one round: losses, packing, optimizer steps."""
