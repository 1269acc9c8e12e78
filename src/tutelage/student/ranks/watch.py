"""A thread that watches whether all processes of a run are still there, whatever the main thread is doing.

Every rank writes a heartbeat into the store. Rank 0 looks at all of them, the others at rank 0's. A rank that is not
heard of for LOST seconds is lost; so is the run. The main thread then ends with the error where it looks for one
(`Ranks.check`); if it doesn't within GRACE seconds, as in a collective that waits for the lost rank, this thread prints
the line and ends the process: a run may be killed at any moment. A signal that one rank got, all get.

Another thread asks the store: if the machine that holds it has lost its power or its network, a call never returns.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from tutelage.stopping import end_as, stop_as
from tutelage.student.ranks.faults import Fault
from tutelage.text.printable import printable

BEAT = 1.0
"""Seconds between two heartbeats."""
LOST = 30.0
"""Seconds without a heartbeat after which a rank is lost."""
GRACE = 8.0
"""Seconds that the main thread has to end by itself."""
FAULT = "fault"
"""The key of the first fault."""


class Watch:
    """Watches the ranks of a run from a thread. `names` say where each rank is, for people."""

    def __init__(self, store: Any, rank: int, names: list[str]) -> None:
        self.rank, self.names, self._store = rank, names, store
        self._over, self._known = threading.Event(), threading.Event()
        self.fault: Fault | None = None
        self._found: Fault | None = None
        self._looks = 0
        self._seen = {other: (b"", time.monotonic()) for other in range(len(names)) if (other == 0) != (rank == 0)}
        works = (self._ask, self._look_on)
        self._threads = [threading.Thread(target=work, name="ranks", daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Watch no longer, and leave the store alone: whoever has it may go now."""
        self._over.set()
        for thread in self._threads:
            thread.join(BEAT)

    def wait(self, seconds: float) -> Fault | None:
        """The fault of the run, which may take some seconds to be known; None: there is none."""
        self._known.wait(seconds)
        return self.fault

    def _ask(self) -> None:
        while self._found is None and not self._over.wait(BEAT):
            self._found = self._look(self._looks + 1)
            self._looks += 1

    def _look_on(self) -> None:
        looks, silent = 0, 0.0  # not by the clock: this process may have been stopped itself
        while not self._over.wait(BEAT):
            looks, silent = self._looks, silent + BEAT if looks == self._looks else 0.0
            self.fault = self._found or (Fault.loss(0, self.names[0]) if silent > LOST else None)
            if self.fault is not None:
                if self.fault.signal and self.fault.rank != self.rank:
                    stop_as(self.fault.signal)
                self._known.set()
                if not self._over.wait(GRACE):
                    self._end_at_once(self.fault)
                return

    def _look(self, beats: int) -> Fault | None:
        """Beat, and look for a fault or a rank that is silent."""
        try:
            self._store.set(f"beat/{self.rank}", str(beats))
            if self._store.check([FAULT]):
                return Fault.from_json(self._store.get(FAULT))
            for other, (last, at) in self._seen.items():
                beat = self._store.get(f"beat/{other}")
                if beat != last:
                    self._seen[other] = beat, time.monotonic()
                elif time.monotonic() - at > LOST:
                    lost = Fault.loss(other, self.names[other])
                    return Fault.from_json(self._store.compare_set(FAULT, "", lost.to_json()))
        except RuntimeError:  # the process that holds the store is gone: rank 0, or its launcher
            return None if self._over.is_set() else Fault.loss(0, self.names[0])
        return None

    def _end_at_once(self, fault: Fault) -> None:
        if fault.signal:
            end_as(fault.signal)
        error = fault.error(self.rank)
        if not error.told:
            with suppress(OSError, ValueError):
                print(f"error: {printable(str(error))}", file=sys.stderr, flush=True)
        os._exit(error.exit_code)
