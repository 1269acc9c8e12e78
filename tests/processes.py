"""Processes that tests start and time or interrupt."""

import multiprocessing
import multiprocessing.forkserver
import os
import runpy
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest.mock import patch

import psutil

UNMEASURED = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
"""Without coverage: it takes time, and a Ctrl-C that meets it holding its lock would leave all waiting for good."""
ONE_THREAD = {**UNMEASURED, "OMP_NUM_THREADS": "1", "TORCH_CPP_LOG_LEVEL": "ERROR"}
"""The second as the command sets it for one of several processes: forks have torch before they are one."""

LIBRARIES = ["torch", "transformers", "accelerate", "peft", "openai", "reasoning_gym", "tutelage.api", "tutelage.cli"]
LIBRARIES += ["tutelage.assemble", "tutelage.student.training.train"]

_forks = multiprocessing.get_context("forkserver")
_imported: list[str] = []


def import_before_forking(*modules: str) -> None:
    """To be called when a test module is imported: all forks are of one process, which imports what any of them need.

    Tests that fork have one worker, for the same reason: see TOGETHER in conftest.py.
    """
    _imported.extend(modules)
    _forks.set_forkserver_preload([*_imported, "tests.frozen"])


def forked(target: Callable[..., object], *arguments: object, daemon: bool = False) -> BaseProcess:
    """A process that has begun with `target`, without the seconds that its imports take."""
    with patch.dict(os.environ, ONE_THREAD, clear=True):
        multiprocessing.forkserver.ensure_running()
    process = _forks.Process(target=target, args=arguments, daemon=daemon)
    process.start()
    return process


def forked_command(arguments: list[str], errors: Path) -> BaseProcess:
    """`tutelage` in a process of its own; stderr goes to a file. It leads a process group, as one at a terminal."""
    return forked(_tutelage, arguments, str(errors))


def forked_script(arguments: list[str], folder: Path) -> str:
    """What `python ARGUMENTS…` prints in a folder, as if it had been started there; it ends well."""
    said = folder / "said"
    process = forked(_python, arguments, str(folder), str(said))
    process.join()
    assert process.exitcode == 0, said.read_text(encoding="utf-8")
    return said.read_text(encoding="utf-8")


def _python(arguments: list[str], folder: str, said: str) -> None:
    with Path(said).open("wb", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(folder)
    module = arguments[0] == "-m"
    sys.argv = arguments[module:]
    sys.path[0] = folder  # that of the command which has started the tests, or none
    if module:
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(arguments[0], run_name="__main__")


def _tutelage(arguments: list[str], errors: str) -> None:
    from tutelage.__main__ import main

    os.setpgid(0, 0)
    sys.argv = ["tutelage", *arguments]
    with Path(errors).open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 2)
    with Path(os.devnull).open("ab") as file:
        os.dup2(file.fileno(), 1)
    sys.exit(main())


def until_ended(process: psutil.Process) -> None:
    """Wait until a process has ended, for a minute at most; one that nobody has waited for counts."""
    until = time.monotonic() + 60
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until, "it lives on"
        time.sleep(0.05)
