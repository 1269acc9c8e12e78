"""Measures peak memory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

import psutil
import torch

from tutelage.student.resources.malloc import libc


class PeakMemory:
    """The peak memory use inside the `with` block, in `bytes`.

    On CUDA: memory that torch allocated on the device. Else: resident memory of the process. Entering resets the peak,
    so blocks can't be nested. On the CPU, entering also returns freed memory to the system, so that an earlier stage's
    memory does not count; using it again takes 0.3 s per GB.

    `since_start` is true if the system can't reset the peak: then `bytes` is the peak since the process started.
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
