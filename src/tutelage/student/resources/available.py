"""How much memory a process may still allocate on a device.

After `malloc.keep_freed_memory`, the process keeps freed memory in its heap. It counts as available on the CPU, since
the next allocation reuses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from tutelage.launched import on_this_machine
from tutelage.student.resources.malloc import free_heap


def available_memory(device: torch.device, root: Path = Path("/")) -> int:
    """Bytes that this process may still allocate on a device.

    On the CPU: the memory left by the machine or by the process's control groups, whichever is less, divided by the
    processes that a launcher has started here, plus the free part of its heap. On CUDA: the device's free memory plus
    the unused part of torch's allocator. `root` is the folder of proc and sys.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return max(0, torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
    machine, room = psutil.virtual_memory().available, cgroup_room(root)
    return (machine if room is None else min(machine, room)) // on_this_machine() + free_heap()


def cgroup_room(root: Path = Path("/")) -> int | None:
    """Bytes left in the tightest of this process's control groups, at any level; None without a limit.

    Inactive cached file pages (`inactive_file`) count as free: the kernel drops them first.
    """
    rooms = [_room(group, names) for group, names in _memory_groups(root)]
    return min((room for room in rooms if room is not None), default=None)


@dataclass(frozen=True, slots=True)
class _Names:
    """File names of a cgroup version for limit and use, and its key in memory.stat for the inactive cache."""

    limit: str
    used: str
    idle: str


_V1 = _Names("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_V2 = _Names("memory.max", "memory.current", "inactive_file")


def _memory_groups(root: Path) -> Iterator[tuple[Path, _Names]]:
    """The folders of this process's memory groups, from the innermost up to the mount."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return  # not Linux
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        mount, names = (root / "sys/fs/cgroup/memory", _V1) if controllers else (root / "sys/fs/cgroup", _V2)
        # In a container the path may be the host's. Then only the mount itself exists, and it is our group.
        parts = [] if ".." in path else path.strip("/").split("/")
        for depth in range(len(parts), -1, -1):
            yield mount.joinpath(*parts[:depth]), names


def _room(group: Path, names: _Names) -> int | None:
    try:
        limit = int((group / names.limit).read_text(encoding="utf-8"))
        used = int((group / names.used).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # no such group, or its limit is "max"
        return None
    try:
        stat = (group / "memory.stat").read_text(encoding="utf-8")
    except OSError:
        stat = ""
    idle = re.search(rf"^{names.idle} (\d+)$", stat, re.MULTILINE)
    return max(0, limit - used + (int(idle[1]) if idle else 0))
