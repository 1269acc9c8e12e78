"""How vLLM's own processes start and end with this one.

Of several processes that a launcher has started, each has a vLLM of its own. It starts with these variables:

    torchrun's                  hidden: vLLM would take the processes for its own
    CUDA_VISIBLE_DEVICES        the GPU of this process
    VLLM_CPU_OMP_THREADS_BIND   CPU build: this process's share of the cores

Ctrl-C or SIGTERM while it starts ends it. If this process is killed, vLLM's ends with it and frees the GPU: vLLM calls
`end_with_parent` in all of its processes, as the entry point `vllm.general_plugins` of this package.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager

import psutil

from tutelage.launched import Place, hidden, place
from tutelage.stopping import ended_by_signals

SETTINGS = {
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",  # CUDA does not survive a fork, and training may have begun to use it
    "VLLM_LOGGING_LEVEL": "ERROR",  # its warnings concern our settings and break the progress bars
    "VLLM_NO_USAGE_STATS": "1",  # no telemetry
}
"""Environment variables of vLLM; values set by the user take precedence."""


_PARENT = "TUTELAGE_VLLM_PARENT"
"""The process whose child is to end with it."""
_PR_SET_PDEATHSIG = 1
"""Of Linux's `prctl`: the signal that a process gets when its parent dies."""


@contextmanager
def starting_vllm(cpu_build: bool) -> Generator[None]:
    """vLLM is to start inside the block. Its environment is put back afterwards, but for SETTINGS.

    A signal ends the processes that were started there, and vLLM with an error.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    own = _share(place(), cpu_build) | {_PARENT: str(os.getpid())}
    before = {name: os.environ.get(name) for name in own}
    others = psutil.Process().children()

    def end() -> None:
        for child in psutil.Process().children():
            if child not in others:
                child.kill()

    with hidden(whole=True), ended_by_signals(end):  # vLLM waits in pyzmq, which drops an interrupt
        os.environ.update(own)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def end_with_parent() -> None:
    """Called by vLLM in each of its processes: the one that a Tutelage process has started ends when that is killed.

    The processes of vLLM's that this one starts end with it. On Linux alone.
    """
    parent = os.environ.get(_PARENT, "")
    if parent == str(os.getppid()) and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent.isdecimal() and not psutil.pid_exists(int(parent)):  # it was killed before
        os._exit(1)


def _share(here: Place, cpu_build: bool) -> dict[str, str]:
    """The variables that give this process its part of the machine; none if it is alone there."""
    if here.local_size == 1:
        return {}
    if not cpu_build:
        if not (seen := os.environ.get("CUDA_VISIBLE_DEVICES")):
            return {"CUDA_VISIBLE_DEVICES": str(here.local_rank)}
        gpus = seen.split(",")  # one, where the launcher shows each its own
        return {"CUDA_VISIBLE_DEVICES": gpus[here.local_rank % len(gpus)]}
    if os.environ.get("VLLM_CPU_OMP_THREADS_BIND"):
        return {}
    cores = sorted(os.sched_getaffinity(0))[here.local_rank :: here.local_size]
    return {"VLLM_CPU_OMP_THREADS_BIND": ",".join(map(str, cores)) or "nobind"}
