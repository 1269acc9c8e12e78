"""The process of a student's server, where the run starts it itself: `student.server_command`.

    vllm serve {model} --port 8000        {model} stands for the folder of the weights

It is started for a student, ended for the next one, and ended with the run; on Linux also with one that is killed: it
would keep the GPU and the port, and the same command could not go on. Its output goes to a file.
"""

from __future__ import annotations

import atexit
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from shutil import which

from tutelage.errors import StudentError
from tutelage.launched import alone
from tutelage.text.printable import printable

PATIENCE = 30.0
"""Seconds for a server to end after it was told to; then it is killed."""
_ENDS_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG, which stays when the process becomes another program
os.execvp(sys.argv[1], sys.argv[1:])
"""
_BEGINNING = [sys.executable, "-I", "-S", "-c", _ENDS_WITH_PARENT] if sys.platform == "linux" else []


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
        if which(words[0]) is None:
            raise StudentError(
                f"student.server_command cannot be started: {words[0]!r}: No such file; name a program that is there"
            )
        handle, name = tempfile.mkstemp(prefix="tutelage-server-", suffix=".log")
        self._output = Path(name)
        with os.fdopen(handle, "wb") as output:
            self._process = subprocess.Popen(
                [*_BEGINNING, *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=alone(),  # one of torchrun's processes would wait for the others' rendezvous
            )
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
