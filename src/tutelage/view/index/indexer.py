"""The thread that keeps an index up to date with a run's files.

It holds a lock beside the index. A second process that looks at the same run reads the same index meanwhile, and takes
over once the lock is free. Nothing in the run's own files is locked or written.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tutelage.view.facts import Indexing
from tutelage.view.index.about import about_run, paid_since
from tutelage.view.index.followed import Followed, Stale, files_of
from tutelage.view.index.gather import gathered
from tutelage.view.index.places import discard, places_of
from tutelage.view.index.store import FAULTS, Reading, open_to_write
from tutelage.view.index.writer import Writer

EVERY = 0.25
"""Seconds between two looks at the files."""


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
        while not self.closing.is_set():
            connection = open_to_write(path)
            try:
                self.reading = Reading(path, None if path else connection)
                _Following(self, connection).go_on()
                return
            except Stale as error:
                self._notes = [f"the index is made again: {error}"]
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self._notes = [f"the index is made again: it is broken ({_said(error)})"]
            finally:
                if path is not None or not self.closing.is_set():
                    connection.close()
            if path is not None:
                discard(path)

    def say(self, doing: str, done: bool = False, **figures: Any) -> bool:  # noqa: ANN401 - those of Indexing
        """Note what is going on; returns whether that is something else than before."""
        before, words = self.progress, "; ".join([*self._notes, doing])
        self.progress = replace(before, doing=words, done=done, **figures)
        return self.progress != before


class _Following:
    """One connection that writes, and what it follows."""

    def __init__(self, indexer: Indexer, connection: sqlite3.Connection) -> None:
        self.indexer, self.sql, self.run = indexer, connection, indexer.run
        names = "path, role, round, id, inode, size, mtime, offset, rows, broken, crc, tail"
        found = [Followed(*row) for row in connection.execute(f"SELECT {names} FROM files ORDER BY id")]
        self.files = {(file.path, file.role): file for file in found}
        self.writer = Writer(connection)
        self.about = about_run(self.run)
        self._ledger: tuple[object, ...] = ()

    def go_on(self) -> None:
        """Follow the files until the indexer is closed. Raises Stale, and FAULTS of the index."""
        self._check_run()
        self.indexer.opened.set()
        while not self.indexer.closing.is_set():
            if self.indexer.suspected.is_set():
                self.indexer.suspected.clear()
                raise sqlite3.DatabaseError("a reader found it so")
            try:
                news = self._look()
            except OSError as error:
                self.indexer.say(f"cannot read the run: {_said(error)}")
                news = []
            for file in news:
                self._read(file)
            if not news:
                self._follow_ledger()
                self._report("up to date", done=True)
            self.indexer.closing.wait(EVERY)

    def _check_run(self) -> None:
        """Note whose index it is. Raises Stale if it is another run's."""
        identity = self.about.id
        before = self.sql.execute("SELECT value FROM state WHERE name = 'run'").fetchone()
        if before is None:
            rows = [("run", identity), ("version", int(time.time() * 1000))]
            self.sql.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", rows)
        elif before[0] != identity:
            raise Stale("the folder holds another run")

    def _look(self) -> list[Followed]:
        news: list[Followed] = []
        there = files_of(self.run)
        for path, role, round in there:
            file = self.files.setdefault((path, role), Followed(path, role, round))
            if file.has_news(self.run):
                news.append(file)
        here = {path for path, *_ in there}
        if gone := next((file.path for file in self.files.values() if file.offset and file.path not in here), None):
            raise Stale(f"{gone} is gone")
        return news

    def _read(self, file: Followed) -> None:
        for start, data in file.chunks(self.run):
            self.sql.execute("BEGIN IMMEDIATE")
            try:
                self._save(file)
                batch = gathered(file, start, data, self.writer.number, self.writer.known)
                file.rows, file.broken = file.rows + batch.rows, file.broken + batch.broken
                self.writer.write(file, batch)
                self._save(file)
                self._count_up()
                self._report(f"reading {file.path}")
                self.sql.execute("COMMIT")
            except BaseException:
                if self.sql.in_transaction:
                    self.sql.execute("ROLLBACK")
                raise
            if self.indexer.closing.is_set():
                return

    def _follow_ledger(self) -> None:
        """Note when replies came. A reply stands in the ledger before it stands in the run's files."""
        path = self.about.ledger
        if path is None:
            return
        beside = path.with_name(f"{path.name}-wal")
        with suppress(OSError):
            found = [each.stat() for each in (path, beside) if each.exists()]
            state = tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in found)
            if state == self._ledger:
                return
            self._ledger = state
            self.sql.execute("BEGIN IMMEDIATE")
            [last] = self.sql.execute("SELECT coalesce(max(id), 0) FROM paid").fetchone()
            rows = list(paid_since(path, self.about.id, last))
            self.sql.executemany("INSERT OR REPLACE INTO paid VALUES (?, ?, ?, ?)", rows)
            if rows:
                self._count_up()
            self.sql.execute("COMMIT")

    def _count_up(self) -> None:
        self.sql.execute("UPDATE state SET value = value + 1 WHERE name = 'version'")

    def _save(self, file: Followed) -> None:
        row = (file.path, file.role, file.round, file.inode, file.size, file.mtime)
        state = (file.offset, file.rows, file.broken, file.crc, file.tail)
        if file.id:
            columns = "inode = ?, size = ?, mtime = ?, offset = ?, rows = ?, broken = ?, crc = ?, tail = ?"
            self.sql.execute(f"UPDATE files SET {columns} WHERE id = ?", (*row[3:], *state, file.id))
        else:
            columns = "path, role, round, inode, size, mtime, offset, rows, broken, crc, tail"
            made = self.sql.execute(f"INSERT INTO files ({columns}) VALUES ({', '.join('?' * 11)})", (*row, *state))
            file.id = made.lastrowid or 0

    def _report(self, doing: str, done: bool = False) -> None:
        rows = sum(file.rows for file in self.files.values())
        broken = sum(file.broken for file in self.files.values())
        size = sum(file.size for file in self.files.values())
        share = 1.0 if done else min(1.0, sum(file.offset for file in self.files.values()) / size) if size else 0.0
        if self.indexer.say(doing, done, rows=rows, share=share, broken=broken):
            words = json.dumps(asdict(self.indexer.progress))
            self.sql.execute("INSERT OR REPLACE INTO state VALUES ('progress', ?)", (words,))


def _said(error: Exception) -> str:
    return " ".join(str(error).split())


def _tidy(path: Path) -> None:
    """Leave nothing of an index that could not be kept: the run may need the space."""
    try:
        discard(path)
    except OSError:
        return
