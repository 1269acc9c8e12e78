"""The processes of one run: what rank 0 tells the others, what all of them agree on, and sums over all of them.

    tell, told             rank 0 gives an order; the others wait for it, for hours if need be
    post, taken            a rank sends rank 0 something; rank 0 takes what has come
    same, gathered, …      collectives: every rank calls them in the same order

This file owns the process group. Orders and messages go through the store of the rendezvous, which needs nobody to wait
at a certain moment; tensors and large objects go through gloo, on GPUs through NCCL.
"""

from __future__ import annotations

import os
import pickle
import socket
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from tutelage.errors import ConfigError, StudentError, TutelageError
from tutelage.launched import Place, place
from tutelage.student.ranks.faults import GO_ON, Fault
from tutelage.student.ranks.watch import FAULT, LOST, Watch

Value = TypeVar("Value")

JOINING = timedelta(minutes=5)
"""How long the processes wait for each other at the start."""
COLLECTIVE = timedelta(hours=2)
"""How long a collective may take; a rank that is gone is noticed by `Watch`."""
PAUSE = 0.02
"""Seconds between two looks into the store."""
LEAVING = 5.0
"""Seconds that rank 0 waits for the others at the end."""
PART = 4 * 2**20
"""Bytes of a message in one piece; a store refuses more than 8 MiB."""


class Ranks:
    """All processes of this run, seen from one of them."""

    def __init__(self, place: Place, store: Any) -> None:
        """Waits for the others; raises ConfigError if they don't come."""
        self.rank, self.size = place.rank, place.size
        self._place, self._store, self._orders = place, store, 0
        self._posted, self._taken = 0, dict.fromkeys(range(place.size), 0)
        store.set(f"beat/{self.rank}", "0")
        store.set(f"name/{self.rank}", f"rank {self.rank} ({socket.gethostname()}, process {os.getpid()})")
        names, until = [f"name/{rank}" for rank in range(self.size)], time.monotonic() + JOINING.seconds
        try:
            while not store.check(names):  # in Python: signals are heard
                if time.monotonic() > until:
                    raise self._alone([rank for rank, name in enumerate(names) if not store.check([name])])
                time.sleep(PAUSE)
        except RuntimeError as error:  # whoever has the store is gone
            raise Fault.loss(0, "rank 0").error(self.rank) from error
        self.names: list[str] = [store.get(name).decode() for name in names]
        self._watch = Watch(store.clone(), self.rank, self.names)

    def _alone(self, missing: list[int]) -> ConfigError:
        """The error where some ranks have not come; the first of the others says so."""
        error = _not_all_came(self._place, f"rank {missing[0]} did not in {JOINING.seconds // 60} minutes")
        error.told = self.rank != min(set(range(self.size)) - set(missing))
        return error

    def connect(self) -> None:
        """Set up the process group. NCCL is set up at its first collective only."""
        gpus, local = torch.cuda.is_available(), self._place.local_rank
        if gpus and local < torch.cuda.device_count():
            torch.cuda.set_device(local)
        backend = "cpu:gloo,cuda:nccl" if gpus else "gloo"
        group: dict[str, Any] = {"store": self._store, "rank": self.rank, "world_size": self.size}
        dist.init_process_group(backend, timeout=COLLECTIVE, **group)
        self._cpu: Any = dist.new_group(backend="gloo", timeout=COLLECTIVE) if gpus else None

    @property
    def first(self) -> bool:
        """Whether this is rank 0, which leads."""
        return self.rank == 0

    def tell(self, order: object) -> None:
        """Give all other ranks an order (rank 0)."""
        self._orders += 1
        self._store.set(f"order/{self._orders}", "given")
        self.same(order)

    def told(self) -> Any:
        """The next order (all others). Raises the error of the run's end."""
        self._orders += 1
        while not self._store.check([f"order/{self._orders}"]):  # its `wait` would hold up signals
            self.check()
            time.sleep(PAUSE)
        return self.same(None)

    def post(self, message: object) -> None:
        """Send rank 0 a message, without waiting for it."""
        self.check()
        data, key = pickle.dumps(message), f"post/{self.rank}/{self._posted}"
        parts = range(0, len(data), PART)
        for start in parts:
            self._store.set(f"{key}/{start // PART}", data[start : start + PART])
        self._store.set(key, str(len(parts)))
        self._posted += 1

    def taken(self, rank: int) -> Any:
        """The next message of a rank; None: it has not come yet."""
        key = f"post/{rank}/{self._taken[rank]}"
        if not self._store.check([key]):
            return None
        parts = [f"{key}/{n}" for n in range(int(self._store.get(key)))]
        message = pickle.loads(b"".join(self._store.get(part) for part in parts))  # of our own processes alone
        for part in (key, *parts):
            self._store.delete_key(part)
        self._taken[rank] += 1
        return message

    def same(self, value: Value) -> Value:
        """Rank 0's value, on all ranks."""
        held = [value]
        dist.broadcast_object_list(held, src=0, group=self._cpu)
        return held[0]

    def gathered(self, value: Value) -> list[Value]:
        """The values of all ranks, on all ranks."""
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, value, group=self._cpu)
        return found

    def least(self, number: int) -> int:
        """The least number that any rank gives."""
        return min(self.gathered(number))

    def add(self, tensor: torch.Tensor) -> dist.Work | None:
        """Begin to sum a tensor over all ranks, in place; wait for what is returned."""
        group = self._cpu if tensor.device.type == "cpu" else None
        return dist.all_reduce(tensor, group=group, async_op=True)

    def summed(self, tensor: torch.Tensor) -> torch.Tensor:
        """The sum over all ranks of a tensor on the CPU."""
        dist.all_reduce(tensor, group=self._cpu)
        return tensor

    def spread(self, tensor: torch.Tensor) -> None:
        """Copy rank 0's tensor to all ranks, in place."""
        dist.broadcast(tensor, src=0, group=self._cpu if tensor.device.type == "cpu" else None)

    def check(self) -> None:
        """Raise the error that ends the run, if there is one; a signal raises by itself."""
        if self._watch.fault is not None and not self._watch.fault.signal:
            raise self._watch.fault.error(self.rank)

    def check_devices(self, device: torch.device) -> None:
        """Refuse more processes on this machine than there are GPUs that they see. Raises ConfigError; all call it."""
        seen = self.gathered((socket.gethostname(), os.environ.get("CUDA_VISIBLE_DEVICES")))
        if device.type == "mps":
            raise ConfigError("student.device 'mps' computes in one process; set it to cpu, or start without torchrun")
        here = min(self._place.local_size, seen.count(seen[self.rank]))  # a launcher may show each a GPU of its own
        if device.type == "cuda" and here > (there := torch.cuda.device_count()):
            raise ConfigError(
                f"{here} processes were started on a machine with {there} GPU{'s' * (there != 1)}; start"
                f" torchrun with --nproc_per_node {there}, or set student.device to cpu"
            )

    @contextmanager
    def together(self) -> Generator[None]:
        """End with the others: an error of one rank ends all. Raises it on every rank."""
        try:
            yield
        except BaseException as error:
            told = self._explained(error)
            with suppress(RuntimeError):  # the store is gone
                self._store.compare_set(FAULT, "", Fault.of(self.rank, told).to_json())
            if told is not error:
                raise told from error
            if isinstance(error, TutelageError):
                error.told |= not self.first  # rank 0 hears of it
            raise

    def _explained(self, error: BaseException) -> BaseException:
        """The error behind that of a collective, which only says that a connection is closed."""
        if not _is_of_a_connection(error):
            return error
        fault = self._watch.wait(LOST + 10)
        if fault and fault.signal:
            return KeyboardInterrupt()  # the signal has come, or comes
        lost = StudentError(f"the connection to another process is lost; {GO_ON}")
        lost.told = not self.first
        return fault.error(self.rank) if fault else lost

    def leave(self) -> None:
        """Take leave; rank 0, which may hold the store, waits some seconds for the others."""
        self._watch.end()
        byes = [f"bye/{rank}" for rank in range(self.size)]
        with suppress(RuntimeError):
            self._store.set(f"bye/{self.rank}", "")
            until = time.monotonic() + LEAVING
            while self.first and time.monotonic() < until and not self._store.check(byes):
                time.sleep(PAUSE)
        with suppress(RuntimeError):
            if dist.is_initialized():  # an error may have come before
                dist.destroy_process_group()


def _is_of_a_connection(error: BaseException) -> bool:
    """Whether a collective failed. gloo has no class for that."""
    return isinstance(error, dist.DistError) or (isinstance(error, RuntimeError) and "gloo" in str(error))


_joined: ContextVar[Ranks | None] = ContextVar("_joined", default=None)
"""The processes of the block that this code is in: the command joins before the library does."""


@contextmanager
def joined() -> Generator[Ranks | None]:
    """The processes that a launcher started, inside the block; None if there is but this one.

    Raises ConfigError if they don't come, or have a process group of their own.
    """
    if (ranks := _joined.get()) is not None or (here := place()).size == 1:
        yield ranks
        return
    if dist.is_initialized():
        raise ConfigError(
            "torch.distributed has a process group already, as Accelerator() makes one, and Tutelage makes its own;"
            " start the run before that, or in a script of its own"
        )
    store = _store(here)
    times = store.add(f"tutelage/joined/{here.rank}", 1)
    ranks = Ranks(here, PrefixStore(f"tutelage/{times}", store))
    token = _joined.set(ranks)
    try:
        with ranks.together():
            ranks.connect()
            yield ranks
    finally:
        _joined.reset(token)
        ranks.leave()


@cache
def _store(here: Place) -> Any:
    """The store of the launcher's rendezvous; a process has one."""
    try:
        found, _, _ = _heeding_signals(lambda: next(rendezvous("env://", here.rank, here.size, timeout=JOINING)))
    except (RuntimeError, ValueError, KeyError) as error:
        raise _not_all_came(here, " ".join(str(error).split())[:200]) from error
    return found


def _heeding_signals(work: Callable[[], Value]) -> Value:
    """The result of work that waits in C++: in this thread, it would hold up signals."""
    result = Future[Value]()

    def do() -> None:
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=do, name="joining", daemon=True).start()
    return result.result()


def _not_all_came(here: Place, told: str) -> ConfigError:
    address = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
    return ConfigError(
        f"not all of {here.size} processes came together at {address} ({told}); start as many as you name, where the"
        " port is free"
    )
