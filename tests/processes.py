"""The environment of processes that tests start and time or interrupt."""

import os

UNMEASURED = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
"""Without coverage: it takes time, and a Ctrl-C that meets it holding its lock would leave all waiting for good."""
ONE_THREAD = {**UNMEASURED, "OMP_NUM_THREADS": "1"}
