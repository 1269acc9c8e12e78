"""Runs the seeds of a study in parallel, each in its own process."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread


def run_side_by_side(work: Callable[[int], list[str]], seeds: Sequence[int], jobs: int) -> list[str]:
    """Call `work` with every seed, at most `jobs` at once; returns all their lines.

    `work` is pickled. A seed whose process is killed adds a line, and the other seeds go on.
    """
    spawn, threads = multiprocessing.get_context("spawn"), max(1, _cores() // jobs)
    faults, owed, running = list[str](), list(seeds), dict[Connection, tuple[int, BaseProcess]]()
    try:
        while owed or running:
            while owed and len(running) < jobs:
                seed = owed.pop(0)
                receiver, sender = spawn.Pipe(duplex=False)
                process = spawn.Process(target=_call_apart, args=(sender, threads, work, seed))
                running[receiver] = (seed, process)
                with _without_interrupts():
                    process.start()
                sender.close()  # the process has the only sender now: when it ends, so does the pipe
            for receiver in wait(list(running)):
                assert isinstance(receiver, Connection)
                faults += _result(receiver, *running.pop(receiver))
    except BaseException:
        for _, process in running.values():
            if process.pid:
                process.terminate()  # safe: a run can be killed at any time and resumed
        raise
    return faults


def _result(receiver: Connection, seed: int, process: BaseProcess) -> list[str]:
    with receiver:
        try:
            return receiver.recv()
        except EOFError:
            process.join()
    return [
        f"seed {seed}: its process has ended with {_ending(process.exitcode or 0)}; start the study again, with fewer"
        f" jobs{_in_a_script()}"
    ]


def _ending(code: int) -> str:
    """What an exit code says. The system kills a process with SIGKILL when memory runs out."""
    if code == -signal.SIGKILL:
        return "SIGKILL, for its memory perhaps"
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _call_apart(sender: Connection, threads: int, work: Callable[[int], list[str]], seed: int) -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    import_module("tutelage.assemble")
    from tutelage.student.resources.hardware import limit_threads

    limit_threads(threads)
    gc.freeze()  # else every collection, at the release of a student, would scan all imported modules
    sender.send(work(seed))


def _end_with_parent() -> None:
    """End this process if its parent is killed; else it would still be running when the study is resumed."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "called in a process of its own"
    parent.join()
    os._exit(1)


@contextmanager
def _without_interrupts() -> Generator[None]:
    """A process that is started here is deaf to Ctrl-C, which a terminal sends to all: its parent ends it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else the first start would start it, and unblock the signal again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _cores() -> int:
    """The cores that this process may use: what OMP_NUM_THREADS says, or all."""
    if limit := os.environ.get("OMP_NUM_THREADS"):
        return int(limit.split(",")[0])  # "4,2" has the threads of nested regions too
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_a_script() -> str:
    """What else may end the processes: each imports the script that was started, which may start the study anew."""
    script = Path(getattr(sys.modules["__main__"], "__file__", None) or "")
    if script.suffix != ".py" or script.name == "__main__.py":
        return ""
    return f' (and see that {script.name} calls study below `if __name__ == "__main__":`)'
