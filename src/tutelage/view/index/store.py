"""The SQLite file of an index: one connection that writes, and one that reads for every thread.

Readers see the last whole transaction (write-ahead log) and never wait for the writer. An index can always be made
again, so it is synced to disk only now and then.
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from tutelage.view.index.places import discard
from tutelage.view.index.schema import TABLES, VERSION

FAULTS = (sqlite3.Error, OSError, ValueError)
"""What SQLite says of a broken file, a full disk, a folder that can't be written."""


def open_to_write(path: Path | None) -> sqlite3.Connection:
    """The index at a path (None: in memory), made if there is none, or none that is ours. Raises FAULTS."""
    if path is not None and path.exists():
        try:
            return _prepared(_connect(path))
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            discard(path)  # broken: it can be made again
    return _prepared(_connect(path))


def _connect(path: Path | None) -> sqlite3.Connection:
    place = ":memory:" if path is None else path
    return sqlite3.connect(place, isolation_level=None, check_same_thread=False, timeout=10)


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("PRAGMA cache_size = -32000")
        [version] = connection.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            connection.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection


class Reading:
    """Connections that read an index, one a thread. `shared` is the writer's where the index is in memory."""

    def __init__(self, path: Path | None, shared: sqlite3.Connection | None = None) -> None:
        self.path, self._shared = path, shared
        self._mine = threading.local()
        self._open: list[sqlite3.Connection] = []

    def connection(self) -> sqlite3.Connection:
        """This thread's connection; another one once the file is another. Raises FAULTS."""
        if self._shared is not None:
            return self._shared
        assert self.path is not None
        identity = self.path.stat().st_ino
        known: tuple[int, sqlite3.Connection] | None = getattr(self._mine, "known", None)
        if known and known[0] == identity:
            return known[1]
        if known:
            self._open.remove(known[1])
            known[1].close()
        found = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=ro",
            uri=True,
            isolation_level=None,
            timeout=10,
            check_same_thread=False,
        )
        self._open.append(found)
        self._mine.known = (identity, found)
        return found

    def close(self) -> None:
        """Close all connections; no thread may be reading."""
        for each in (*self._open, *([self._shared] if self._shared else [])):
            each.close()
