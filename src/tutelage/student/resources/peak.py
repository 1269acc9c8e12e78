"""How much memory was used at most."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

import psutil
import torch

from tutelage.student.resources.malloc import libc


class PeakMemory:
    """The highest memory in use between entering and leaving, in `bytes`.

    On CUDA what torch had allocated on the device, else the resident memory of the whole process. Each entry starts
    the measure afresh, so two must not stand inside each other. On the CPU an entry first gives freed memory back to
    the system, or an earlier stage's would be counted; to touch it again took 0.3 s a GB.

    `since_start` says that the system allows no fresh start: then `bytes` is the highest since the process began.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.bytes = 0
        self.since_start = False

    def __enter__(self) -> Self:
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        else:
            self.since_start = not _reset_high_water_mark()
        return self

    def __exit__(self, *_: object) -> None:
        cuda = self.device.type == "cuda"
        self.bytes = torch.cuda.max_memory_allocated(self.device) if cuda else _process_peak()


def _reset_high_water_mark() -> bool:
    trim = libc("malloc_trim")
    if trim is not None:
        trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # proc(5): resets VmHWM
    except OSError:
        return False
    return _high_water_mark() is not None


def _high_water_mark() -> int | None:
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _process_peak() -> int:
    mark = _high_water_mark()
    if mark is not None:
        return mark
    if psutil.WINDOWS:
        return psutil.Process().memory_info().peak_wset  # pyright: ignore[reportAttributeAccessIssue]
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if psutil.MACOS else 1024)
