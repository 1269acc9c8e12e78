"""An opened index of a run: what the pages ask.

with RunIndex.open(Path("runs/demo")) as index:
    index.progress()   Indexing(rows=2400, share=1.0, doing="up to date", done=True)
    index.sittings()   [Sitting("exam-1", 1, "train", 150, 600, 50), …]
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from tutelage.records import Split
from tutelage.teacher.ledger.ledger import LedgerRow
from tutelage.view.facts import Indexing, Sitting
from tutelage.view.index.about import About, about_run, replies_of
from tutelage.view.index.indexer import Indexer
from tutelage.view.index.lines import read_rows
from tutelage.view.index.unmarked import FIRST_ANSWERS, are_numbers

Found = TypeVar("Found")
_KEPT = 64
"""Results that are remembered until something new is indexed."""
_PATIENCE = 10.0


class RunIndex:
    """The index of a run, followed by a thread of its own; a context manager. Any thread may ask."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self._indexer = Indexer(run)
        self._seen = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[int, object]] = OrderedDict()

    @classmethod
    def open(cls, run: Path) -> RunIndex:
        """Open the index of the run in a folder, or begin to make it. Never raises: `progress` says what is wrong."""
        index = cls(run)
        index._indexer.start()
        return index

    def progress(self) -> Indexing:
        """How far it is."""
        return self._indexer.progress

    def wait(self, seconds: float = 60.0) -> Indexing:
        """Wait until all that the files hold is indexed, some seconds at most."""
        until = time.monotonic() + seconds
        while not (found := self.progress()).done and self._indexer.at_work and time.monotonic() < until:
            time.sleep(0.01)
        return found

    @property
    def version(self) -> int:
        """Grows whenever something new is indexed."""
        found = self.rows("SELECT value FROM state WHERE name = 'version'")
        self._seen = max(self._seen, int(found[0][0]) if found else 0)
        return self._seen

    def sittings(self) -> list[Sitting]:
        """The sets of answers that the run holds, in its order: by round exam and evaluation, then test."""
        return self.remembered("sittings", self._sittings)

    def _sittings(self) -> list[Sitting]:
        figures = "sum(total > 0), sum(total), sum(correct)"
        query = f"""SELECT name, round, split, {figures} FROM sittings JOIN cells ON sitting = sittings.id
            GROUP BY sittings.id ORDER BY sittings.id"""
        return [
            Sitting(name, round, cast(Split, split), problems, attempts, right)
            for name, round, split, problems, attempts, right in self.rows(query)
        ]

    def rows(self, query: str, values: tuple[object, ...] | dict[str, object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query; none while there is no index, or if it is broken (it is then made again)."""
        self._indexer.opened.wait(_PATIENCE)
        reading = self._indexer.reading
        if reading is None:
            return []
        try:
            return reading.connection().execute(query, values).fetchall()
        except (OSError, sqlite3.OperationalError):  # it is made, or moved, at this moment
            return []
        except sqlite3.DatabaseError:
            self._indexer.suspect()
            return []

    def read(self, path: str, offset: int, length: int) -> list[dict[str, Any]]:
        """The rows at a place in a file of the run; broken ones, or all if the file has changed, are left out."""
        try:
            return read_rows(self.run / path, offset, length)
        except OSError:
            return []

    @property
    def about(self) -> About:
        """What the run's configuration says."""
        return self.remembered("about", lambda: about_run(self.run))

    @property
    def answers_are(self) -> str | None:
        """The kind of answers, for a run of an earlier version: as configured; numbers if the first 200 known are."""
        return self.about.kind or self.remembered("kind", self._kind)

    def _kind(self) -> str | None:
        return "number" if are_numbers(answer for (answer,) in self.rows(FIRST_ANSWERS)) else None

    def replies(self, keys: Iterable[str]) -> dict[str, LedgerRow]:
        """The ledger's replies under some keys; none if it can't be read."""
        return replies_of(self.about.ledger, keys)

    def remembered(self, key: Hashable, make: Callable[[], Found]) -> Found:
        """What `make` returns, kept under its key until something new is indexed."""
        version = self.version
        with self._lock:
            kept = self._kept.get(key)
            if kept and kept[0] == version:
                self._kept.move_to_end(key)
                return cast(Found, kept[1])
        made = make()
        with self._lock:
            self._kept[key] = (version, made)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made

    def close(self) -> None:
        """Stop following the run."""
        self._indexer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
