"""The page beside a run: `tutelage run … --view`.

The page is a process of its own, so that it takes nothing from the run. It opens when the run has a folder. After the
run it stays until Ctrl-C; a run that is stopped, fails or is killed ends it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tutelage.launched import alone

_LOOK = 0.2
"""Seconds between two looks for the run's folder."""
_CHECK = 1.0
"""Seconds between two looks of the page whether the run is still there."""
_PATIENCE = 5.0
"""Seconds for the page to end before it is killed."""


@contextmanager
def viewed(run: Path) -> Generator[None]:
    """Show the page of a run inside the `with` block, and after it until Ctrl-C or until the page ends by itself."""
    page = _Page(run)
    try:
        yield
        page.wait()
    except KeyboardInterrupt:
        if not page.is_last:
            raise
    finally:
        page.end()


def go_with(run: int) -> None:
    """End this process, the page of a run, with the process of the run: by its signal alone, or when that is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to both, and the run says the line
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def watch() -> None:
        while os.getppid() == run:
            time.sleep(_CHECK)
        os.kill(os.getpid(), signal.SIGTERM)

    if os.name == "posix":  # elsewhere the number of a parent stays when it has ended
        threading.Thread(target=watch, name="beside", daemon=True).start()


class _Page:
    """The process of a page, at a free port; a thread starts it as soon as there is a run to show."""

    def __init__(self, run: Path) -> None:
        self.is_last = False
        self._run = run
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._start, name="view", daemon=True)
        self._thread.start()

    def _start(self) -> None:
        while not (self._run / "run.json").exists():
            if self._ended.wait(_LOOK):
                return
        command = [sys.executable, "-m", "tutelage", "view", str(self._run), "--port", "0"]
        self._process = subprocess.Popen([*command, "--beside", str(os.getpid())], env=alone())

    def wait(self) -> None:
        """Wait for the end of the page, which from now on is all that there is to end."""
        self._thread.join()
        self.is_last = True
        if self._process is not None and self._process.poll() is None:
            print("the run has ended; its page stays until Ctrl-C", flush=True)
            self._process.wait()

    def end(self) -> None:
        """End the page if it is still there."""
        self._ended.set()
        self._thread.join()
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
