"""Keeps an index up to date with the files of a run, some MiB at a time."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from tutelage.records import Problem
from tutelage.view.index.about import about_run, paid_since
from tutelage.view.index.followed import Followed, Stale, files_of
from tutelage.view.index.gather import gathered
from tutelage.view.index.lines import read_rows
from tutelage.view.index.unmarked import FIRST_ANSWERS, SOME, are_numbers, marked_rows, problem_in, unmarked_exam
from tutelage.view.index.writer import Writer

Say = Callable[..., bool]
"""Is told what is going on, whether all is read, and figures of Indexing; returns whether that is news."""


class Following:
    """A run, and the connection that writes its index. `say` is told what is going on."""

    def __init__(self, run: Path, connection: sqlite3.Connection, say: Say) -> None:
        self.run, self.sql, self._say = run, connection, say
        names = "path, role, round, id, inode, size, mtime, offset, rows, broken, crc, tail"
        found = [Followed(*row) for row in connection.execute(f"SELECT {names} FROM files ORDER BY id")]
        self.files = {(file.path, file.role): file for file in found}
        for file in found:
            file.more = file.offset < file.size
        self.writer = Writer(connection)
        self.about = about_run(self.run)
        self._ledger: tuple[object, ...] = ()
        self._unread: dict[str, str] = {}
        self._check_run()

    def go_on(self) -> bool:
        """Read some MiB of what is new; returns whether there was anything. Raises Stale, and FAULTS of the index."""
        try:
            news = self._look()
            if news is not None:
                self._read(news)
                return True
        except OSError as error:
            self._say(f"cannot read the run: {' '.join(str(error).split())}", False)
            return False
        self._follow_ledger()
        is_at_work = self._mark()
        self._report("finding the kinds of mistakes" if is_at_work else "up to date", done=True)
        return is_at_work

    def _check_run(self) -> None:
        """Note whose index it is. Raises Stale if it is another run's."""
        identity = self.about.id
        before = self.sql.execute("SELECT value FROM state WHERE name = 'run'").fetchone()
        if before is None:
            rows = [("run", identity), ("version", int(time.time() * 1000))]
            self.sql.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", rows)
        elif before[0] != identity:
            raise Stale("the folder holds another run")

    def _look(self) -> Followed | None:
        """The first file with something new."""
        there, news = files_of(self.run), list[Followed]()
        self._unread = dict[str, str]()
        for path, role, round in there:
            file = self.files.setdefault((path, role), Followed(path, role, round))
            try:
                if file.has_news(self.run):
                    with (self.run / path).open("rb"):  # what can't be opened keeps nothing else from being read
                        news.append(file)
            except OSError as error:
                self._unread[path] = error.strerror or "it cannot be read"
        here = {path for path, *_ in there}
        if gone := next((file.path for file in self.files.values() if file.offset and file.path not in here), None):
            raise Stale(f"{gone} is gone")
        for file in [file for file in self.files.values() if file.role == "kinds" and file.offset]:
            marked = self.files.get((file.path.replace("exam", "mistakes"), "mistakes"))
            if marked and marked.inode:  # one that can't be read marks nothing
                raise Stale(f"the mistakes of {file.path} are marked by now")
        return news[0] if news else None

    def _read(self, file: Followed) -> None:
        chunk = file.chunk(self.run)
        if chunk is None:
            return
        start, data = chunk
        with self._transaction():
            self._save(file)
            batch = gathered(file, start, data, self.writer.number, self.writer.known)
            file.rows, file.broken = file.rows + batch.rows, file.broken + batch.broken
            self.writer.write(file, batch)
            self._save(file)
            self._count_up()
            self._report(f"reading {file.path}")

    def _mark(self) -> bool:
        """Find the kinds of some mistakes that the run has not marked; returns whether there were any."""
        with suppress(OSError):
            file = unmarked_exam(self.run, self.files)
            kind = file and (self.about.kind or self._kind())
            chunk = file.chunk(self.run, SOME) if file and kind else None
            if file and kind and chunk:
                data = marked_rows(chunk[1], kind, lru_cache(maxsize=1)(self._problem))
                with self._transaction():
                    self._save(file)
                    batch = gathered(file, 0, data, self.writer.number, self.writer.known)
                    batch.spans.clear()  # they stand in no file
                    self.writer.write(file, batch)
                    self._count_up()
                return True
        return False

    def _kind(self) -> str | None:
        return "number" if are_numbers(answer for (answer,) in self.sql.execute(FIRST_ANSWERS)) else None

    def _problem(self, name: str) -> Problem | None:
        query = """SELECT path, problems.offset, length FROM problems JOIN files ON files.id = file WHERE name = ?"""
        for path, offset, length in self.sql.execute(query, (name,)).fetchall():
            for row in read_rows(self.run / path, offset, length):
                return problem_in(row, name)
        return None

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self.sql.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.sql.execute("COMMIT")
        except BaseException:
            if self.sql.in_transaction:
                self.sql.execute("ROLLBACK")
            raise

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
        with suppress(OSError), self._transaction():
            [last] = self.sql.execute("SELECT coalesce(max(id), 0) FROM paid").fetchone()
            rows = list(paid_since(path, self.about.id, last))
            self.sql.executemany("INSERT OR REPLACE INTO paid VALUES (?, ?, ?, ?)", rows)
            if rows:
                self._count_up()

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
        files = [file for file in self.files.values() if file.role != "kinds"]
        rows, broken = sum(file.rows for file in files), sum(file.broken for file in files)
        size = sum(file.size for file in files)
        share = 1.0 if done else min(1.0, sum(file.offset for file in files) / size) if size else 0.0
        unread = [f"{path}: {reason}" for path, reason in self._unread.items()]
        figures = {"rows": rows, "share": share, "broken": broken, "unread": unread}
        if self._say(doing, done, **figures):
            words = json.dumps({"doing": doing, "done": done, **figures})
            self.sql.execute("INSERT OR REPLACE INTO state VALUES ('progress', ?)", (words,))
