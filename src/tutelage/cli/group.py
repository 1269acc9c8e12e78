"""How every command ends: `error: …` and an exit code for an error, a traceback only for a bug. Signals: stopping.py"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from io import TextIOWrapper
from typing import Any

import typer
from typer.core import TyperGroup

from tutelage.errors import ConfigError, TutelageError
from tutelage.launched import is_first, is_one_of_several
from tutelage.stopping import stoppable
from tutelage.text.printable import printable

IN_SEVERAL = {"run", "demo"}
"""The commands that share their work if a launcher starts several processes."""
_BEHIND = 3.0
"""Seconds by which the other ranks end later: a launcher ends all when one has ended, and rank 0 has a line to say."""


class FaultsInOneLine(TyperGroup):
    """Prints errors of user, teacher or student in one line; `--debug` shows the traceback."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer does not export the types of what it builds on
        """Run the command that was named."""
        try:
            with stoppable():
                result = super().invoke(ctx)
                sys.stdout.flush()
                return result
        except TutelageError as error:
            if ctx.params.get("debug"):
                raise
            if error.told:
                raise typer.Exit(error.exit_code) from None
            _end(str(error), error.exit_code)
        except (OSError, ValueError) as error:
            if ctx.params.get("debug") or (reason := refused_by_the_system(error)) is None:
                raise
            _end(reason, 2)


def refuse_several(command: str) -> None:
    """Raise ConfigError, on every rank, for a command that would do its work once in each of several processes."""
    if command in IN_SEVERAL or not is_one_of_several():
        return
    error = ConfigError(
        f"tutelage {command} works in one process, and a launcher has started several; start it without torchrun or"
        " accelerate (if one process is meant, unset WORLD_SIZE)"
    )
    error.told = not is_first()
    if error.told:
        time.sleep(_BEHIND)
    raise error


def called_from_a_shell(app: Callable[[], object]) -> None:
    """Run the command; characters that the output can't encode, such as × in ASCII, are escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # a full disk may show only here
    except OSError as error:
        if (reason := refused_by_the_system(error)) is None:
            raise
        with suppress(OSError):
            print(f"error: {reason}", file=sys.stderr)
        sys.exit(2)


def _end(message: str, code: int) -> None:
    with suppress(OSError):  # no output to report it on
        typer.echo(f"error: {printable(message)}", err=True)
    raise typer.Exit(code) from None


def refused_by_the_system(error: OSError | ValueError) -> str | None:
    """What the system refused, in words; None if it may be a bug."""
    if isinstance(error, UnicodeEncodeError) or (isinstance(error, ValueError) and "null byte" in str(error)):
        return f"{error}: a path or a name holds characters that it cannot; write it without them"
    if not isinstance(error, OSError) or error.errno in (None, errno.EPIPE):
        return None
    if error.filename is not None:
        return f"cannot use {str(error.filename)!r}: {error.strerror}"
    if error.errno not in (errno.ENOSPC, errno.EIO, errno.EBADF):
        return None
    with suppress(OSError, ValueError):  # buffered output would fail again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return f"cannot write the output: {error.strerror}"
