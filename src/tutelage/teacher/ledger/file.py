"""Opens a ledger's SQLite file, to write or read-only, and turns SQLite's errors into messages.

open_ledger("runs/a/ledger.sqlite")      created if missing, migrated; write-ahead log, every commit synced to disk
open_read_only("runs/a/ledger.sqlite")   never created or changed; an older version is migrated in memory
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tutelage.errors import RunError
from tutelage.runs.files import try_to_write_in
from tutelage.teacher.ledger.schema import MIGRATIONS, check_identity, check_shape, migrate, version_of

_BUSY_SECONDS = 60.0
_BESIDE_A_LEDGER = 2**16
"""Bytes: the shared memory of the write-ahead log has 32 KiB, and the log begins with a page."""


def open_ledger(path: Path) -> sqlite3.Connection:
    """Open a ledger to write. Raises RunError, also for a foreign file or a newer version."""
    with explained(path):
        if path.exists() and not path.is_file():
            kind = "a folder" if path.is_dir() else "a device or a pipe"
            raise RunError(f"cannot use the ledger {path}: it is {kind}; name a file as teacher.ledger")
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
        with _closed_on_error(connection):
            check_identity(connection, path)
            _use_write_ahead_log(connection)
            # A paid reply must survive a loss of power; this costs one sync per commit.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN")  # one state of the file: another process may be creating or migrating it
            check_shape(connection, path)
            connection.execute("COMMIT")
            migrate(connection)
    return connection


def check_place(path: Path) -> None:
    """Raise RunError if `open_ledger` would; a missing file or folder is not created."""
    with explained(path):
        if path.exists():
            open_ledger(path).close()
            return
        above = next(folder for folder in path.absolute().parents if folder.exists())
        try:
            if not above.is_dir():
                raise NotADirectoryError
            try_to_write_in(above)
        except OSError:
            raise RunError(
                f"cannot use the ledger {path}: nothing can be made in {above}; name a file elsewhere"
            ) from None


def open_read_only(path: Path, *, whole: bool = True) -> sqlite3.Connection:
    """Open a snapshot of a ledger, while others may write it; if not `whole`, also one with unexpected tables.

    Raises RunError, also if there is no file.
    """
    with explained(path):
        if not path.is_file():
            raise RunError(
                f"there is no ledger {path}; name the file (teacher.ledger, or ledger.sqlite in a run's folder; a "
                "teacher without an endpoint keeps none)"
            )
        connection = _look(path)
        with _closed_on_error(connection):
            check_identity(connection, path)
            if not version_of(connection):
                raise RunError(f"{path} is empty, no ledger; restore it or name another")
            if whole:
                check_shape(connection, path, reading=True)
            if not whole or version_of(connection) == len(MIGRATIONS):
                return connection
            return migrated_copy(connection)


@contextmanager
def explained(path: Path) -> Generator[None]:
    """Turn errors of SQLite and the file system into a RunError; a wrong use of SQLite is a bug and stays as it is."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except (sqlite3.Error, OSError, ValueError) as error:  # a NUL in a path is a ValueError
        said = " ".join(str(error).split())  # SQLite cites a damaged schema with its line ends
        raise RunError(f"{_fault(path, error)} ({said})") from None


def _connect(place: Path | str, **settings: Any) -> sqlite3.Connection:  # noqa: ANN401 - those of sqlite3.connect
    connection = sqlite3.connect(place, isolation_level=None, **settings)
    connection.text_factory = _decode
    return connection


def _decode(text: bytes) -> str | bytes:
    """Decode a text; one that is not UTF-8 stays as it is, so that it counts as no text."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text


def _look(path: Path) -> sqlite3.Connection:
    """A read-only connection to one snapshot of the file."""
    uri = path.resolve().as_uri()
    try:
        return _begin(f"{uri}?mode=ro")
    except sqlite3.OperationalError as error:
        # SQLite needs two files beside a ledger in WAL mode. In a read-only folder nobody writes: open it as immutable.
        logs = [path.with_name(f"{path.name}{end}") for end in ("-wal", "-journal")]
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        if any(log.is_file() and log.stat().st_size for log in logs):  # a killed process left the file half written
            raise
        return _begin(f"{uri}?immutable=1")


def _begin(uri: str) -> sqlite3.Connection:
    connection = _connect(uri, uri=True, timeout=_BUSY_SECONDS)
    with _closed_on_error(connection):
        connection.execute("BEGIN")
        version_of(connection)  # the first read fixes the snapshot
    return connection


def migrated_copy(connection: sqlite3.Connection) -> sqlite3.Connection:
    """An in-memory copy of a ledger in the newest version; closes the connection."""
    copy = _connect(":memory:")
    with _closed_on_error(copy):
        connection.backup(copy)
        migrate(copy)
    connection.close()
    return copy


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to WAL. Retried: if others open the file at this moment, SQLite says `locked` without waiting."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Generator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _is_damage(error: Exception) -> bool:
    return any(words in str(error) for words in ("malformed", "no such", "decode to UTF-8", "integer overflow"))


def _is_full(path: Path) -> bool:
    """Whether there is no room for the two files that SQLite makes beside a ledger when it opens it."""
    try:
        total, _, free = shutil.disk_usage(path.parent)
        return free < _BESIDE_A_LEDGER and total > 0  # /proc has no room at all
    except OSError:
        return False


def _fault(path: Path, error: Exception) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path)):
        return f"the disk is full: cannot write the ledger {path}; free some space and continue the run"
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT) or _is_damage(error):
        return f"the ledger {path} is broken or no SQLite file; move it away or name another as teacher.ledger"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"the ledger {path} is in use: another process locks it; wait until it has ended, or end it"
    return f"cannot use the ledger {path}; check that its folder exists and can be written"
