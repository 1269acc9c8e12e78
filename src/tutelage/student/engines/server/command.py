"""The process of a student's server, where the run starts it itself: `student.server_command`.

    vllm serve {model} --port 8000        {model} stands for the folder of the weights

It is started for a student, ended for the next one, and ended with the run. Its output goes to a file.
"""

from __future__ import annotations

import atexit
import os
import shlex
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from tutelage.errors import StudentError
from tutelage.launched import alone
from tutelage.text.printable import printable

PATIENCE = 30.0
"""Seconds for a server to end after it was told to; then it is killed."""


class ServerProcess:
    """At most one process of `command`, which leads a process group of its own."""

    def __init__(self, command: str) -> None:
        self.command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._output: Path | None = None

    def start(self, folder: Path) -> None:
        """Start it with the weights in `folder`; it must not run. Raises StudentError if there is no such command."""
        try:
            words = [word.replace("{model}", str(folder.absolute())) for word in shlex.split(self.command)]
        except ValueError as error:
            raise StudentError(f"student.server_command is {self.command!r}: {error}; mend its quotes") from None
        handle, name = tempfile.mkstemp(prefix="tutelage-server-", suffix=".log")
        self._output = Path(name)
        try:
            with os.fdopen(handle, "wb") as output:
                self._process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env=alone(),  # one of torchrun's processes would wait for the others' rendezvous
                )
        except OSError as error:
            self._output.unlink()
            reason = error.strerror or error
            raise StudentError(
                f"student.server_command cannot be started: {words[0]!r}: {reason}; name a program that is there"
            ) from error
        atexit.register(self.stop)

    @property
    def gone(self) -> str | None:
        """How it has ended by itself, in words; None if it runs, or was not started."""
        if self._process is None or self._process.poll() is None:
            return None
        lines = self._output.read_text(errors="replace").split("\n") if self._output else []
        last = next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
        return (
            f"has ended (exit code {self._process.returncode}); the last that it said, in {self._output}, is"
            f" {printable(last)[:200]!r}; start the same command again when that is mended"
        )

    @property
    def started(self) -> bool:
        """Whether it was started here and not ended."""
        return self._process is not None

    def stop(self) -> None:
        """End it with all that it has started. Does nothing if it was not started."""
        process, self._process = self._process, None
        if process is None:
            return
        atexit.unregister(self.stop)
        for number, patience in ((signal.SIGTERM, PATIENCE), (signal.SIGKILL, None)):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(patience)
                break
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # what it has left behind
        if self._output is not None:
            self._output.unlink(missing_ok=True)
