"""Processes that tests start and time or interrupt."""

import multiprocessing
import multiprocessing.forkserver
import os
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest.mock import patch

UNMEASURED = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
"""Without coverage: it takes time, and a Ctrl-C that meets it holding its lock would leave all waiting for good."""
ONE_THREAD = {**UNMEASURED, "OMP_NUM_THREADS": "1"}

LIBRARIES = ["torch", "transformers", "accelerate", "peft", "openai", "reasoning_gym", "tutelage.api", "tutelage.cli"]
LIBRARIES += ["tutelage.assemble", "tutelage.student.training.train", "tests.frozen"]
"""Imported once, by the process of which the commands are forks."""


def forked_command(arguments: list[str], errors: Path) -> BaseProcess:
    """`tutelage` in a process of its own, without the seconds that its libraries take; stderr goes to a file.

    It leads a process group, as a command at a terminal does.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LIBRARIES)
    with patch.dict(os.environ, ONE_THREAD, clear=True):
        multiprocessing.forkserver.ensure_running()
    process = context.Process(target=_tutelage, args=(arguments, str(errors)))
    process.start()
    return process


def _tutelage(arguments: list[str], errors: str) -> None:
    from tutelage.cli import main

    os.setpgid(0, 0)
    sys.argv = ["tutelage", *arguments]
    with Path(errors).open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 2)
    with Path(os.devnull).open("ab") as file:
        os.dup2(file.fileno(), 1)
    sys.exit(main())
