"""The thread that keeps an index up to date with a run's files.

It holds a lock beside the index. A second process that looks at the same run reads the same index meanwhile, and takes
over once the lock is free. Nothing in the run's own files is locked or written.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tutelage.view.facts import Indexing
from tutelage.view.index.followed import Stale
from tutelage.view.index.following import Following
from tutelage.view.index.places import discard, places_of
from tutelage.view.index.store import FAULTS, Reading, open_to_write

EVERY = 0.25
"""Seconds between two looks at the files."""
_PATIENCE = 3
"""An index that is found broken more often is not made again."""


class Indexer:
    """Indexes a run until it is closed. `reading` is set once `opened` is."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.opened = threading.Event()
        self.reading: Reading | None = None
        self.progress = Indexing(0, 0.0, "opening the index", False)
        self.closing, self.suspected = threading.Event(), threading.Event()
        self._notes: list[str] = []
        self._thread = threading.Thread(target=self._work, name="indexer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def at_work(self) -> bool:
        """Whether the thread goes on: it ends early where there is no place for an index."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Stop the thread and wait for it."""
        self.closing.set()
        self._thread.join()
        if self.reading:
            self.reading.close()

    def suspect(self) -> None:
        """A reader has found the index broken: it is made again."""
        self.suspected.set()

    def _work(self) -> None:
        try:
            for path in places_of(self.run):
                try:
                    self._in(path)
                except FAULTS as error:
                    self._notes.append(f"the index cannot be kept in {path and path.parent} ({_said(error)})")
                    if path is not None:
                        _tidy(path)
                    continue
                return
            self.say("stopped: there is no place for an index")
        except Exception as error:  # a bug: the page says so, and shows what is there
            self.say(f"stopped: {type(error).__name__}: {_said(error)}")
        finally:
            self.opened.set()

    def _in(self, path: Path | None) -> None:
        """Keep the index in one place. Raises FAULTS if that can't be done."""
        if path is None:
            self._notes.append("it is kept in memory")
            return self._follow(path)
        path.parent.mkdir(parents=self.run not in path.parents, exist_ok=True)  # a run that is not there stays so
        lock = FileLock(path.with_name("lock"), timeout=0)
        while not self.closing.is_set():
            try:
                with lock:
                    return self._follow(path)
            except Timeout:
                self._beside(path)
                self.closing.wait(1.0)
        return None

    def _beside(self, path: Path) -> None:
        """Read the index that another process writes."""
        if self.reading is None or self.reading.path != path:
            self.reading = Reading(path)
        try:
            row = self.reading.connection().execute("SELECT value FROM state WHERE name = 'progress'").fetchone()
            self.progress = Indexing(**json.loads(row[0])) if row else self.progress
            self.opened.set()
        except FAULTS:
            self.progress = Indexing(0, 0.0, "another process makes the index", False)

    def _follow(self, path: Path | None) -> None:
        broken = 0
        while not self.closing.is_set():
            connection = open_to_write(path)
            try:
                if path is None or self.reading is None or self.reading.path != path:
                    self.reading = Reading(path, None if path else connection)
                following = Following(self.run, connection, self.say)
                self.opened.set()
                while not self.closing.is_set():
                    if self.suspected.is_set():
                        self.suspected.clear()
                        raise sqlite3.DatabaseError("so a reader found it")
                    if not following.go_on():
                        self.closing.wait(EVERY)
                return
            except Stale as error:
                self._notes = [f"the index is made again: {error}"]
            except sqlite3.DatabaseError as error:
                broken += 1
                if isinstance(error, sqlite3.OperationalError) or broken > _PATIENCE:
                    raise
                self._notes = [f"the index is made again: it is broken ({_said(error)})"]
            finally:
                if path is not None:  # that in memory is read, too
                    connection.close()
            self.say("beginning", rows=0, share=0.0, broken=0)
            if path is not None:
                discard(path)

    def say(self, doing: str, done: bool = False, **figures: Any) -> bool:  # noqa: ANN401 - those of Indexing
        """Note what is going on; returns whether that is something else than before."""
        before, words = self.progress, "; ".join([*self._notes, doing])
        self.progress = replace(before, doing=words, done=done, **figures)
        return self.progress != before


def _said(error: Exception) -> str:
    return " ".join(str(error).split())


def _tidy(path: Path) -> None:
    """Leave nothing of an index that could not be kept: the run may need the space."""
    try:
        discard(path)
    except OSError:
        return
