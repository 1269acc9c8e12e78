"""The student: the small model that learns. torch and transformers are imported in this folder alone."""

import os

# Read by OpenMP (libgomp) when torch is first imported: how long a thread spins at a barrier before it sleeps. The
# default spins for milliseconds, which on a machine that does something else besides makes small steps 10 to 40 times
# slower; not to spin at all makes large ones slower by a third. Measured on two cores.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")
