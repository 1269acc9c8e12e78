"""The student: the small model that is trained. Only this folder imports torch and transformers."""

import os

# OpenMP (libgomp) reads this when torch is first imported: how long a thread spins at a barrier before it sleeps. The
# default spins for milliseconds: on a busy machine this makes small steps 10 to 40 times slower. Without any spinning,
# large steps are slower by a third. Measured on two cores.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")
