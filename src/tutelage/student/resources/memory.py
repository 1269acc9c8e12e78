"""How much memory there is, how much was used at most, and what a training or an exam needs. All in bytes.

A job is sized before it starts: `available_memory` against `TrainingMemory` or `SamplingMemory`; one that cannot be
made small enough is refused with figures (`refuse`). What a model keeps for the backward pass is measured on a small
pack (`saved_bytes`), so no architecture needs a formula; capacity.py does so.

The memory of a CPU is the whole process's. A process under `heap.keep_freed_memory` keeps what it has freed: that is
counted as available, since the next allocation takes it first.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from weakref import WeakSet

import psutil
import torch

from tutelage.errors import StudentError
from tutelage.student.training.losses import LOGITS_AT_ONCE


def available_memory(device: torch.device, root: Path = Path("/")) -> int:
    """Bytes that this process may still take on a device.

    On the CPU the smaller of what the machine and what the process's control groups leave, and what lies free in the
    process's own heap; on CUDA what the device has free and what torch's allocator holds unused. `root` is where proc
    and sys are found.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return max(0, torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
    machine, room = psutil.virtual_memory().available, cgroup_room(root)
    return (machine if room is None else min(machine, room)) + free_heap()


def cgroup_room(root: Path = Path("/")) -> int | None:
    """Bytes left in the tightest of this process's control groups, its own or one around it; None without a limit.

    Cached file pages that nobody used lately (`inactive_file`) count as free: the kernel drops them first.
    """
    rooms = [_room(group, names) for group, names in _memory_groups(root)]
    return min((room for room in rooms if room is not None), default=None)


@dataclass(frozen=True, slots=True)
class _Names:
    """What a version of control groups calls its limit, its use and, in memory.stat, the idle part of its cache."""

    limit: str
    used: str
    idle: str


_V1 = _Names("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_V2 = _Names("memory.max", "memory.current", "inactive_file")


def _memory_groups(root: Path) -> Iterator[tuple[Path, _Names]]:
    """The folders of this process's memory groups, from its own up to the mount."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return  # not Linux
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        mount, names = (root / "sys/fs/cgroup/memory", _V1) if controllers else (root / "sys/fs/cgroup", _V2)
        # In a container the path may be the host's: then only the mount itself is there, and it is our group.
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


class _MallocInfo(ctypes.Structure):
    """`struct mallinfo2` of glibc (mallinfo(3)), ten totals over all arenas; `uordblks` is bytes in use."""

    _fields_ = (("before", ctypes.c_size_t * 7), ("uordblks", ctypes.c_size_t), ("after", ctypes.c_size_t * 2))


def free_heap() -> int:
    """Bytes of real memory that lie free in the heap of glibc, at least; 0 where that cannot be known.

    Not `fordblks`, which counts freed addresses that were never touched: the heap's resident pages less its blocks in
    use.
    """
    mallinfo = _libc("mallinfo2")
    if mallinfo is None:
        return 0
    try:
        maps = Path("/proc/self/smaps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    resident = re.search(r"\[heap\]\n(?:.*\n)*?Rss: +(\d+) kB", maps)
    mallinfo.restype = _MallocInfo
    return max(0, int(resident[1]) * 1024 - mallinfo().uordblks) if resident else 0


def _libc(function: str) -> Any:
    """A function of this process's C library; None where it has none of that name."""
    try:
        return getattr(ctypes.CDLL(None), function, None)
    except TypeError:  # Windows
        return None


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
    trim = _libc("malloc_trim")
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


class _Kept:
    """A tensor that autograd keeps; it lives exactly as long as the graph needs it."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


def saved_bytes(run: Callable[[], torch.Tensor], leave_out: Iterable[torch.Tensor] = ()) -> int:
    """Bytes that the graph of `run()` keeps for its backward pass: whole storages, each counted once.

    Storages of `leave_out` (a model's parameters and buffers) do not count. What a custom autograd function hides on
    its context, instead of saving it, is not seen.
    """
    kept: WeakSet[_Kept] = WeakSet()

    def pack(tensor: torch.Tensor) -> _Kept:
        kept.add(holder := _Kept(tensor.detach()))  # an output that knew its node would keep itself alive for ever
        return holder

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda holder: holder.tensor):
        output = run()
    known = {_storage(tensor)[0] for tensor in leave_out}
    sizes = dict(_storage(holder.tensor) for holder in kept)
    del output  # till here it held the graph, and the graph what is counted
    return sum(size for address, size in sizes.items() if address not in known)


def _storage(tensor: torch.Tensor) -> tuple[int, int]:
    """Which storage a tensor lies in, and its bytes. Not by data_ptr, which is 0 for all tensors of device meta."""
    storage = tensor.untyped_storage()
    return storage._cdata, storage.nbytes()


@dataclass(frozen=True, slots=True)
class TrainingMemory:
    """What a training step needs beside the loaded weights; `per_token` for every token of its pack."""

    gradients: int
    optimizer: int
    per_token: int
    fixed: int

    def needs(self, tokens: int) -> int:
        """Bytes for a pack of so many tokens."""
        return sum(self.parts(tokens).values())

    def tokens_that_fit(self, available: int) -> int:
        """The longest pack; 0 if not even the weights, gradients and optimiser find room."""
        return max(0, available - self.needs(0)) // max(1, self.per_token)

    def parts(self, tokens: int) -> dict[str, int]:
        """The parts by name, for `refuse`."""
        return {
            "gradients": self.gradients,
            "optimiser": self.optimizer,
            "activations": self.per_token * tokens,
            "logits": self.fixed,
        }


def logit_bytes(vocabulary: int, head_gradient: int = 0) -> int:
    """The `fixed` part of a step: logits and their gradient in float32, a chunk at a time, and `head_gradient` bytes.

    `head_gradient` is the size of one gradient of the output layer, which a chunk makes before it is added to the
    sum; 0 where that layer is not trained.
    """
    return 2 * 4 * LOGITS_AT_ONCE * vocabulary + head_gradient


@dataclass(frozen=True, slots=True)
class SamplingMemory:
    """What an exam needs beside the loaded weights: the shared prefix once, the rest for every row."""

    prefix: int
    keys_values: int
    probabilities: int

    def needs(self, rows: int) -> int:
        """Bytes for so many rows at once."""
        return sum(self.parts(rows).values())

    def rows_that_fit(self, available: int) -> int:
        """The most rows at once; 0 if not one finds room."""
        return max(0, available - self.prefix) // max(1, self.keys_values + self.probabilities)

    def parts(self, rows: int) -> dict[str, int]:
        """The parts by name, for `refuse`."""
        return {
            "prefix": self.prefix,
            "keys and values": self.keys_values * rows,
            "probabilities": self.probabilities * rows,
        }


def sampling_memory(
    kv_bytes: int, vocabulary: int, *, prompt_tokens: int, max_new_tokens: int, prefix_tokens: int = 0
) -> SamplingMemory:
    """Rows of at most `prompt_tokens` (without the shared prefix) and `max_new_tokens`; `kv_bytes` are a token's.

    Each row has its logits three times in float32: as they come, divided by the temperature, and in their sum.
    """
    row = kv_bytes * (prompt_tokens + max_new_tokens)
    return SamplingMemory(prefix=kv_bytes * prefix_tokens, keys_values=row, probabilities=3 * 4 * vocabulary)


def kv_bytes_per_token(config: Any, itemsize: int) -> int:
    """Bytes of keys and values of one token in all layers, by a configuration of Transformers; 0 without attention.

    Layers with a sliding window are counted like the others, though they keep fewer tokens.
    """
    text = config.get_text_config()
    heads = getattr(text, "num_attention_heads", None)
    if not heads:
        return 0
    width = getattr(text, "head_dim", None) or text.hidden_size // heads
    return 2 * text.num_hidden_layers * (getattr(text, "num_key_value_heads", None) or heads) * width * itemsize


def gigabytes(size: int) -> str:
    """A size for people, such as "3.2 GB" or "0.085 GB"; a GB is 10**9 bytes."""
    return f"{size / 1e9:.{1 if size >= 1e9 else 3}f} GB"


def refuse(what: str, needed: Mapping[str, int], available: int, remedy: str) -> StudentError:
    """The error of a job that does not fit, with all figures; raise it. `remedy` says what to set."""
    parts = ", ".join(f"{name} {gigabytes(size)}" for name, size in needed.items() if size)
    total = gigabytes(sum(needed.values()))
    return StudentError(f"{what} needs {total} ({parts}), but only {gigabytes(available)} can be had; {remedy}")
