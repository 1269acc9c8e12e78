"""The ledger: every reply of the teacher that was paid for, in SQLite, by the hash of what was asked.

    key "5f1c…" run "demo-7" model "gpt-4.1-mini" request {"messages": […], "temperature": 0.7, …}
    text "Each box holds 4 pens, so …" finish_reason "stop" prompt_tokens 212 completion_tokens 41 cost_usd 0.00015

Several processes and several runs may share one file. A reply is committed before anyone sees it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Self

from tutelage.errors import RunError
from tutelage.records import Usage

APPLICATION_ID = 0x5475_746C  # "Tutl", in the header of the file
_BUSY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One reply. `created` is in seconds since 1970, `request` JSON of what was sent, without the key."""

    key: str
    run_id: str
    created: float
    endpoint: str
    model: str
    request: str
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float

    @property
    def usage(self) -> Usage:
        """What the reply cost whoever bought it."""
        return Usage(1, self.prompt_tokens, self.completion_tokens, self.cost_usd)


def _create_replies(connection: sqlite3.Connection) -> None:
    # Not unique by key: two runs that ask at the same moment both pay, and both payments are kept.
    connection.execute(
        """CREATE TABLE replies (
            id INTEGER PRIMARY KEY, key TEXT NOT NULL, run_id TEXT NOT NULL, created REAL NOT NULL,
            endpoint TEXT NOT NULL, model TEXT NOT NULL, request TEXT NOT NULL, text TEXT NOT NULL,
            finish_reason TEXT NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
            cost_usd REAL NOT NULL
        )"""
    )
    connection.execute("CREATE INDEX replies_by_key ON replies (key)")
    connection.execute("CREATE INDEX replies_by_run ON replies (run_id)")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_create_replies,)
"""Oldest first; a ledger's `user_version` says how many it has seen."""

_COLUMNS = ", ".join(field.name for field in fields(LedgerRow))
_PLACES = ", ".join("?" for _ in fields(LedgerRow))


class Ledger:
    """An open ledger; a context manager.

    Raises:
        RunError: on opening and on every use, if the file is no ledger, is broken, is of a newer version, cannot be
            written or the disk is full.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        with self._explained():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            with self._explained():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def find(self, key: str, run_id: str) -> LedgerRow | None:
        """The reply to a request, whichever run bought it; `run_id`'s own first, so that going on changes nothing."""
        query = f"SELECT {_COLUMNS} FROM replies WHERE key = ? ORDER BY run_id <> ?, id LIMIT 1"
        with self._explained():
            row = self._connection.execute(query, (key, run_id)).fetchone()
        return None if row is None else LedgerRow(*row)

    def record(self, row: LedgerRow) -> None:
        """Add a reply; on return it is on disk."""
        with self._explained():
            self._connection.execute(f"INSERT INTO replies ({_COLUMNS}) VALUES ({_PLACES})", astuple(row))

    def spent(self, run_id: str) -> Usage:
        """What a run has paid for so far."""
        query = """SELECT count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0),
            coalesce(sum(cost_usd), 0.0) FROM replies WHERE run_id = ?"""
        with self._explained():
            return Usage(*self._connection.execute(query, (run_id,)).fetchone())

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _prepare(self) -> None:
        self._check_identity()
        self._use_write_ahead_log()
        # A reply is money: it must outlive a loss of power, which costs one sync for each.
        self._connection.execute("PRAGMA synchronous = FULL")
        if self._version() == len(MIGRATIONS):
            return
        self._connection.execute("BEGIN IMMEDIATE")  # one process migrates, the others wait and find it done
        try:
            for migrate in MIGRATIONS[self._version() :]:
                migrate(self._connection)
            self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _check_identity(self) -> None:
        """Refuse a file of someone else's, or of a newer version, before anything is written to it."""
        version = self._version()
        tables = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if (tables or version) and self._pragma("application_id") != APPLICATION_ID:
            raise RunError(f"{self._path} is an SQLite file but no ledger of ours; name another file as teacher.ledger")
        if version > len(MIGRATIONS):
            raise RunError(
                f"the ledger {self._path} has version {version}, this tutelage knows {len(MIGRATIONS)}; "
                "upgrade tutelage or name another file as teacher.ledger"
            )

    def _version(self) -> int:
        return self._pragma("user_version")

    def _pragma(self, name: str) -> int:
        return self._connection.execute(f"PRAGMA {name}").fetchone()[0]

    def _use_write_ahead_log(self) -> None:
        """Switch to WAL; when others open the file at this moment SQLite says `locked` without waiting."""
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    @contextmanager
    def _explained(self) -> Generator[None]:
        """Turn what SQLite and the file system say into a RunError."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise RunError(f"{_fault(self._path, error)} ({error})") from None


def _fault(path: Path, error: sqlite3.Error | OSError) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL:
        return f"the disk is full: cannot write the ledger {path}; free some space and continue the run"
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return f"the ledger {path} is broken or no SQLite file; move it away or name another as teacher.ledger"
    return f"cannot use the ledger {path}; check that its folder exists and can be written"
