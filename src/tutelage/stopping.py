"""How Ctrl-C and SIGTERM end the command at any moment: one line, and exit code 130 or 143.

    work         KeyboardInterrupt; in asyncio the task is cancelled, between two of its steps
    an import    at once: the libraries' own code may catch the exception, or turn it into another
    a library    what it has started is ended, where it drops the exception (`ended_by_signals`)
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
from _thread import interrupt_main
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn, TypeVar

from tutelage.launched import is_first

Result = TypeVar("Result")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 5.0
"""Seconds for a task to end after it has been cancelled."""
_IMPORTING = "<frozen importlib._bootstrap>"


class Stop:
    """The handler of both signals. `line` is what is said at the end, `number` the first signal, None before it.

    `outer` is the handler around it, which then has nothing to say.
    """

    def __init__(self, line: str, outer: object) -> None:
        self.line, self.said = line, not is_first()  # of several processes, one speaks
        self.outer = outer if isinstance(outer, Stop) else None
        self.number: int | None = None
        self.cancel: Callable[[], None] | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Note the signal and raise KeyboardInterrupt, or end the process at once."""
        first, self.number = self.number is None, self.number or number
        if first and self.cancel is not None:
            self.cancel()
        elif first and not _is_importing(frame):
            raise KeyboardInterrupt
        else:
            self.end_at_once()

    def end(self) -> NoReturn:
        """Print the line and leave the command, with its exit code."""
        _handle(_nothing)
        if not self.said:
            with suppress(OSError, ValueError):
                print(f"\n{self.line}", file=sys.stderr, flush=True)
        stop = self
        while stop is not None:
            stop.said, stop.number = True, self.number
            stop = stop.outer
        exec("")  # resets the mark that CPython leaves where an interrupt has left such a call: it would end by SIGINT
        raise SystemExit(self._code) from None

    def end_at_once(self) -> NoReturn:
        """Print the line and end the process, without putting anything away."""
        with suppress(ValueError):  # in another thread
            _handle(_nothing)
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
def cancelled_by_signals() -> Generator[None]:
    """To be entered by the first task of `asyncio.run`: the first signal cancels it, if the command is `stoppable`.

    asyncio does so by itself where nobody else handles Ctrl-C. A task that takes no step for PATIENCE seconds, as in a
    grader without end, can't be cancelled: the process ends.
    """
    stop = signal.getsignal(signal.SIGTERM)
    if not isinstance(stop, Stop) or threading.current_thread() is not threading.main_thread():
        yield
        return
    import asyncio

    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    patience = threading.Timer(PATIENCE, interrupt_main, [signal.SIGTERM])
    patience.daemon = True

    def cancel() -> None:
        patience.start()
        if task is not None:
            task.cancel()
        loop.call_soon_threadsafe(lambda: None)  # wakes it

    stop.cancel = cancel
    try:
        yield
    finally:
        stop.cancel = None
        patience.cancel()


@contextmanager
def ended_by_signals(end: Callable[[], None]) -> Generator[None]:
    """Call `end` at the first signal, if the command is `stoppable`: for work in a library that drops the interrupt.

    The work must then fail, or come to its end; KeyboardInterrupt is raised after it, for its error, too.
    """
    stop = signal.getsignal(signal.SIGTERM)
    if not isinstance(stop, Stop) or threading.current_thread() is not threading.main_thread():
        yield
        return
    stop.cancel = end
    try:
        yield
    finally:
        stop.cancel = None
        if stop.number is not None:
            raise KeyboardInterrupt


def run_stoppable(work: Coroutine[Any, Any, Result]) -> Result:
    """`asyncio.run`, cancelled by signals; in a thread if a loop is running already, as in a notebook."""
    import asyncio

    async def cancelled() -> Result:
        with cancelled_by_signals():
            return await work

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(cancelled())
    return _run_in_thread(work)


def _run_in_thread(work: Coroutine[Any, Any, Result]) -> Result:
    """An interrupt cancels the work and is raised when the work has ended; a second one is raised at once."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor, wait

    loop = asyncio.new_event_loop()
    task = loop.create_task(work)  # made here, so that it can be cancelled before the thread has begun

    async def ended() -> Result:
        return await task

    def run() -> Result:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            return runner.run(ended())

    pool = ThreadPoolExecutor(1)
    outcome = pool.submit(run)
    pool.shutdown(wait=False)
    try:
        return outcome.result()
    except BaseException:
        if not outcome.done():
            with suppress(RuntimeError):  # it has ended meanwhile
                loop.call_soon_threadsafe(task.cancel)
            wait([outcome])
        raise


def signal_of(stop: KeyboardInterrupt) -> int:
    """The signal that an interrupt of this command stands for."""
    handler = signal.getsignal(signal.SIGTERM)
    return handler.number or signal.SIGINT if isinstance(handler, Stop) else signal.SIGINT


def stop_as(number: int) -> None:
    """Stop this process as another one of the same run was stopped, unless it has got a signal itself."""
    handler = signal.getsignal(signal.SIGTERM)
    if not isinstance(handler, Stop) or handler.number is None:
        os.kill(os.getpid(), number)


def end_as(number: int) -> NoReturn:
    """End this process at once, as another one of the same run was stopped. From any thread."""
    handler = signal.getsignal(signal.SIGTERM)
    if isinstance(handler, Stop):
        handler.number = handler.number or number
        handler.end_at_once()
    os._exit(128 + number)


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


def _nothing(number: int, frame: FrameType | None) -> None:
    """Handle a signal that comes while the line is printed: SIG_IGN would have CPython complain of one that is late."""


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTING:
            return True
        frame = frame.f_back
    return False
