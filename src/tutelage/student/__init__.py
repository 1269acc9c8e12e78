"""The student: the small model that learns. torch and transformers are imported in this folder alone."""

import os

# Read by OpenMP when torch is first imported. Threads that spin at every barrier while another program has one of the
# cores make a step 10 to 40 times slower (measured on two cores); threads that sleep cost nothing measurable.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
