"""Fair timing: several ways of one job, warmed up, run in turn, compared repeat by repeat.

>>> rates = interleaved({"ours": our_step, "reference": reference_step})
>>> ratio(rates, "ours", "reference")
5.3
"""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Mapping

import torch

from tutelage.config import StudentConfig
from tutelage.student.model import precision_of

FEWEST = 2
"""Repeats, however long they take: one figure alone does not show how far they scatter."""

Way = Callable[[], float]
"""Does the job once and returns the units of work done: problems, or tokens."""


def interleaved(
    ways: Mapping[str, Way], repeats: int = 5, *, warm_up: bool = True, seconds: float = math.inf
) -> dict[str, list[float]]:
    """Units per second of every way in every repeat.

    Each way runs once before the clock starts, unless the process is warm. The ways then take turns, so that a machine
    that slows down or is disturbed does so for all of them. Work left on a GPU counts: the clock stops when it is done.
    After so many seconds no repeat begins but the second.
    """
    for work in ways.values() if warm_up else ():
        work()
    rates: dict[str, list[float]] = {name: [] for name in ways}
    ends = time.perf_counter() + seconds
    for repeat in range(repeats):
        if repeat >= FEWEST and time.perf_counter() > ends:
            break
        for name, work in ways.items():
            rates[name].append(_rate(work))
    return rates


def ratio(rates: Mapping[str, list[float]], a: str, b: str) -> float:
    """How many times as fast as `b` way `a` is: the median over the repeats of a's rate by b's in the same repeat."""
    return statistics.median(x / y for x, y in zip(rates[a], rates[b], strict=True))


def _rate(work: Way) -> float:
    gc.collect()  # what one way left behind is not cleared away on the time of the next
    _finish()
    started = time.perf_counter()
    units = work()
    _finish()
    return units / (time.perf_counter() - started)


def _finish() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def dtype_here(config: StudentConfig) -> torch.dtype:
    """The type of a student's weights in computation, as `student.dtype` says or as it is fast here."""
    return getattr(torch, precision_of(config).dtype)
