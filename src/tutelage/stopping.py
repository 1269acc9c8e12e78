"""How Ctrl-C and SIGTERM end the command at any moment: one line, and exit code 130 or 143.

    work         KeyboardInterrupt; asyncio.run cancels its task instead
    an import    at once: the libraries' own code may catch the exception, or turn it into another
    again        at once

To end at once loses nothing but the work in progress: a run may be killed at any moment.

This file imports next to nothing, since a signal may come while the rest is imported.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_IMPORTING = "<frozen importlib._bootstrap>"


class Stop:
    """The handler of both signals. `line` is what is said at the end, `number` the first signal, None before it.

    `outer` is the handler around it, which then has nothing to say.
    """

    def __init__(self, line: str, outer: object) -> None:
        self.line, self.said = line, False
        self.outer = outer if isinstance(outer, Stop) else None
        self.number: int | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Note the signal and raise KeyboardInterrupt, or end the process at once."""
        first, self.number = self.number is None, self.number or number
        other = signal.getsignal(signal.SIGINT)
        if first and callable(other) and other is not self:  # asyncio's, which cancels between two steps
            signal.raise_signal(signal.SIGINT)
        elif first and not _is_importing(frame):
            raise KeyboardInterrupt
        else:
            self.end_at_once()

    def end(self) -> NoReturn:
        """Print the line and leave the command, with its exit code."""
        _handle(signal.SIG_IGN)
        if not self.said:
            with suppress(OSError, ValueError):
                print(f"\n{self.line}", file=sys.stderr, flush=True)
        stop = self
        while stop is not None:
            stop.said, stop.number = True, self.number
            stop = stop.outer
        raise SystemExit(self._code) from None

    def end_at_once(self) -> NoReturn:
        """Print the line and end the process, without putting anything away."""
        if not self.said:
            shown = "\x1b[?25h" if os.isatty(2) else ""  # a progress bar hides the cursor
            with suppress(OSError):
                os.write(2, f"{shown}\n{self.line}\n".encode(errors="backslashreplace"))
        os._exit(self._code)

    @property
    def _code(self) -> int:
        return 128 + (self.number or signal.SIGINT)


@contextmanager
def stoppable(line: str = "stopped") -> Generator[None]:
    """End the command in order if Ctrl-C or SIGTERM comes inside the block, with a line.

    Raises SystemExit(130), or 143. Outside the main thread it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    stop, hook = Stop(line, before[signal.SIGTERM]), sys.unraisablehook

    def lost(what: sys.UnraisableHookArgs) -> None:  # as in __del__, where an exception ends nothing
        if issubclass(what.exc_type, KeyboardInterrupt):
            stop.end_at_once()
        hook(what)

    _handle(stop)
    sys.unraisablehook = lost
    try:
        yield
    except BaseException as error:
        if stop.number is None and not isinstance(error, KeyboardInterrupt):
            raise
        stop.end()  # whatever a library has made of the interrupt
    else:
        if stop.number == signal.SIGTERM:  # it has ended in order, as a server does
            stop.end()
    finally:
        sys.unraisablehook = hook
        for number in _SIGNALS:
            signal.signal(number, before[number])


@contextmanager
def as_asyncio_wants_it() -> Generator[None]:
    """Leave Ctrl-C to `asyncio.run` inside the block: it handles it only if nobody else does."""
    stop = signal.getsignal(signal.SIGINT)
    if not isinstance(stop, Stop) or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, stop)


def ends_at_once() -> None:
    """Let signals end the process without a word where nothing is `stoppable`: in the command's first and last moment.

    The interpreter's own end, which would take a signal for an error, is not disturbed.
    """
    if threading.current_thread() is threading.main_thread():
        _handle(lambda number, frame: os._exit(128 + number))
        atexit.register(_handle, signal.SIG_IGN)  # called last of all that is registered later


def _handle(handler: Callable[[int, FrameType | None], object] | signal.Handlers) -> None:
    """Set a handler of both signals; Ctrl-C stays ignored where it is, as in a script's background job."""
    for number in _SIGNALS:
        if number != signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTING:
            return True
        frame = frame.f_back
    return False
