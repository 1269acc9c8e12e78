"""Settings of glibc's malloc: keep freed memory in the process, and measure how much of it is free.

PyTorch on the CPU frees and allocates hundreds of megabytes at every step. By default glibc returns large blocks to the
kernel, which clears every page before it is used again. This took 12 to 40 % of a training step, measured on two cores
with SmolLM2-135M.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Any

# <malloc.h> of glibc: numbers of the parameters of mallopt(3).
M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4
LARGEST_INT = 2**31 - 1


def keep_freed_memory() -> bool:
    """Make glibc allocate from its heap only and never return memory to the kernel; False without glibc."""
    if not sys.platform.startswith("linux"):
        return False
    mallopt = libc("mallopt")
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, LARGEST_INT))


class _MallocInfo(ctypes.Structure):
    """`struct mallinfo2` of glibc (mallinfo(3)), ten totals over all arenas; `uordblks` is bytes in use."""

    _fields_ = (("before", ctypes.c_size_t * 7), ("uordblks", ctypes.c_size_t), ("after", ctypes.c_size_t * 2))


def free_heap() -> int:
    """A lower bound of the free resident memory in glibc's heap, in bytes; 0 if unknown.

    It is the heap's resident pages less its used blocks. `fordblks` would include addresses that were never touched.
    """
    mallinfo = libc("mallinfo2")
    if mallinfo is None:
        return 0
    mallinfo.restype = _MallocInfo
    return max(0, _resident_heap() - mallinfo().uordblks)


def _resident_heap() -> int:
    """Read no further than it stands: the kernel counts the pages of a mapping when its lines are read."""
    try:
        with Path("/proc/self/smaps").open(encoding="utf-8", errors="replace") as maps:
            for line in maps:
                if line.endswith("[heap]\n"):
                    return next(int(size.split()[1]) * 1024 for size in maps if size.startswith("Rss:"))
    except OSError:
        pass
    return 0


def libc(function: str) -> Any:
    """A function of this process's C library; None where it has none of that name."""
    try:
        return getattr(ctypes.CDLL(None), function, None)
    except TypeError:  # Windows
        return None
