"""Writes what a run is doing to now.json, once a second, from a thread of its own.

{"at": 1780054861.2, "pid": 4711, "title": "round 1: exam", "units": "problems", "done": 310, "total": 900, …}

It costs the run next to nothing and never ends it: what the disk refuses is left out. The file goes when the run ends;
after a kill its age tells that nobody writes it any more.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from tutelage.run_records import Now
from tutelage.runs.files import unfinished

TICK = 1.0
"""Seconds between two writes."""
RECENT = 120.0
"""Seconds over which the rate of a stage is measured."""


class StageShown(Protocol):
    """How far a stage is, as the progress display counts it."""

    @property
    def done(self) -> int:
        """Finished units."""
        ...

    @property
    def tokens(self) -> int:
        """Tokens written so far."""
        ...

    def told(self) -> dict[str, Any]:
        """The fields of Now that are of a teacher's stage."""
        ...


@dataclass(slots=True)
class _Shown:
    title: str
    units: str
    total: int
    stage: StageShown
    began: float
    past: deque[tuple[float, int, int]] = field(default_factory=deque[tuple[float, int, int]])


class NowFile:
    """A now.json that is written inside the `with` block, and then removed. `clock` returns Unix time."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock = path, clock
        self._shown: _Shown | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write_on, name="now.json", daemon=True)

    @contextmanager
    def stage(self, title: str, units: str, total: int, stage: StageShown) -> Generator[None]:
        """Write of this stage inside the `with` block."""
        began = self._clock()
        shown = _Shown(title, units, total, stage, began)
        shown.past.append((began, stage.done, stage.tokens))
        self._shown = shown
        try:
            yield
        finally:
            self._shown = None

    def now(self) -> Now:
        """What is going on."""
        at, pid, shown = self._clock(), os.getpid(), self._shown
        if shown is None:
            return Now(at, pid)
        done, tokens = shown.stage.done, shown.stage.tokens
        rate, tokens_rate = _rates(shown.past, at, done, tokens)
        return Now(
            at,
            pid,
            shown.title,
            shown.units,
            done,
            shown.total,
            shown.began,
            round(rate, 4),
            tokens,
            round(tokens_rate, 2),
            **shown.stage.told(),
        )

    def write(self) -> None:
        """Write the file, atomically and without a sync, unless the disk refuses it."""
        aside = unfinished(self._path)
        with suppress(OSError):
            aside.write_text(json.dumps(asdict(self.now()), ensure_ascii=True), encoding="ascii")
            aside.replace(self._path)

    def _write_on(self) -> None:
        while True:
            with suppress(Exception):  # whatever happens here is not worth a run
                self.write()
            if self._ended.wait(TICK):
                return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        for path in (self._path, unfinished(self._path)):
            with suppress(OSError):
                path.unlink()


def _rates(past: deque[tuple[float, int, int]], at: float, done: int, tokens: int) -> tuple[float, float]:
    """Units and tokens per second over the last RECENT seconds, or since the beginning where nothing was done in them.

    `past` is when how much was done: the beginning, and then what is recent.
    """
    past.append((at, done, tokens))
    while len(past) > 2 and past[2][0] <= at - RECENT:
        del past[1]  # the beginning stays
    start = past[1] if done > past[1][1] else past[0]
    seconds = at - start[0]
    return ((done - start[1]) / seconds, (tokens - start[2]) / seconds) if seconds > 0 else (0.0, 0.0)
