"""The ledger's tables, as an ordered list of migrations: a newer tutelage opens a ledger of an older version.

    replies    one row for each paid reply, with its text
    sent       requests in flight, with the most they can cost; a row is deleted when its request is answered or refused
    failures   requests that ended without a usable reply, with the reason
    batches    batches at an endpoint's Batch API

A file's version is the number of migrations applied to it: `PRAGMA user_version`.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from tutelage.errors import RunError
from tutelage.teacher.ledger.values import damaged

Shape = dict[str, dict[str, str]]
Objects = dict[tuple[str, str], str]
APPLICATION_ID = 0x5475_746C  # "Tutl", in the header of the file


def _create_replies(connection: sqlite3.Connection) -> None:
    # The key is not unique: two runs that ask at the same moment both pay, and both payments are kept.
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


def _follow_requests(connection: sqlite3.Connection) -> None:
    connection.execute(
        """CREATE TABLE sent (
            token TEXT PRIMARY KEY, key TEXT NOT NULL, run_id TEXT NOT NULL, created REAL NOT NULL,
            prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, cost_usd REAL NOT NULL,
            batch TEXT NOT NULL, request TEXT NOT NULL
        )"""
    )
    connection.execute("CREATE INDEX sent_by_run ON sent (run_id)")
    connection.execute("CREATE INDEX sent_by_batch ON sent (batch)")
    connection.execute(
        """CREATE TABLE failures (
            id INTEGER PRIMARY KEY, key TEXT NOT NULL, run_id TEXT NOT NULL, created REAL NOT NULL,
            endpoint TEXT NOT NULL, model TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL
        )"""
    )
    connection.execute(
        """CREATE TABLE batches (
            token TEXT PRIMARY KEY, run_id TEXT NOT NULL, created REAL NOT NULL, endpoint TEXT NOT NULL,
            model TEXT NOT NULL, batch_id TEXT NOT NULL, done INTEGER NOT NULL
        )"""
    )
    # A covering index: a run's spending is summed without reading the texts.
    connection.execute("DROP INDEX replies_by_run")
    connection.execute("CREATE INDEX replies_by_run ON replies (run_id, prompt_tokens, completion_tokens, cost_usd)")


def _keep_more_of_a_reply(connection: sqlite3.Connection) -> None:
    for column in (
        "cached_tokens INTEGER NOT NULL DEFAULT 0",
        "reasoning TEXT NOT NULL DEFAULT ''",
        "served_model TEXT NOT NULL DEFAULT ''",
        "provider TEXT NOT NULL DEFAULT ''",
        "seconds REAL NOT NULL DEFAULT 0",
    ):
        connection.execute(f"ALTER TABLE replies ADD COLUMN {column}")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _create_replies,
    _follow_requests,
    _keep_more_of_a_reply,
)
"""Oldest first; append only."""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """All or nothing, and on disk at the end."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has ended it if the disk is full
            connection.execute("ROLLBACK")
        raise


def version_of(connection: sqlite3.Connection) -> int:
    """The number of migrations applied to a file; 0 for an empty one."""
    return _pragma(connection, "user_version")


def check_identity(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a foreign file or a newer version before anything is written to it. Raises RunError."""
    version = version_of(connection)
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if (tables or version) and _pragma(connection, "application_id") != APPLICATION_ID:
        raise RunError(f"{path} is an SQLite file but no ledger of ours; name another file as teacher.ledger")
    if not 0 <= version <= len(MIGRATIONS):
        raise RunError(
            f"the ledger {path} has version {version}, this tutelage knows {len(MIGRATIONS)}; "
            "upgrade tutelage or name another file as teacher.ledger"
        )


def migrate(connection: sqlite3.Connection) -> None:
    """Migrate a ledger to the newest version in one transaction; concurrent processes wait for it."""
    if version_of(connection) == len(MIGRATIONS):
        return
    with transaction(connection):
        for step in MIGRATIONS[version_of(connection) :]:
            step(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def shape_of(connection: sqlite3.Connection) -> Shape:
    """A file's tables, each with its columns and their types."""
    named = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {str(name): _columns(connection, str(name)) for (name,) in named.fetchall()}


def objects_of(connection: sqlite3.Connection) -> Objects:
    """The SQL of a file's tables, indexes, triggers and views, by kind and name; without spaces and quotes."""
    made = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    return {(str(kind), str(name)): re.sub(r'[\s"]', "", str(sql)) for kind, name, sql in made}


@cache
def expected_of(version: int) -> tuple[Shape, Objects]:
    """The tables of a ledger of this version, and the SQL of all that it has."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for step in MIGRATIONS[:version]:
            step(connection)
        return shape_of(connection), objects_of(connection)


def faults_of_shape(connection: sqlite3.Connection, *, reading: bool = False) -> Iterator[str]:
    """All in which a file is not made as a ledger of its version, one line each; if only `reading`, without indexes."""
    found, made = shape_of(connection), objects_of(connection)
    expected, ours = expected_of(version_of(connection))
    for table, columns in expected.items():
        if table not in found:
            yield f"the table {table!r} is missing"
        elif found[table] != columns:
            yield from _faults_of_columns(table, found[table], columns)
        elif made["table", table] != ours["table", table]:
            yield f"the table {table!r} has a constraint or a column that is not ours"
    yield from (f"there is a table {name!r} too many" for name in sorted(found.keys() - expected))
    # Each of these can refuse, change or hide a row: an index by an expression that fails, or by UNIQUE.
    kinds = ("trigger", "view") if reading else ("trigger", "view", "index")
    for kind, name in sorted(made.keys() | ours):
        if kind in kinds and made.get((kind, name)) != ours.get((kind, name)):
            how = "missing" if (kind, name) not in made else "not ours"
            yield f"the {kind} {name!r} is {how}"


def _faults_of_columns(table: str, found: Mapping[str, str], expected: Mapping[str, str]) -> Iterator[str]:
    for column, made in expected.items():
        if column not in found:
            yield f"the table {table!r} has no column {column!r}"
        elif found[column] != made:
            yield f"the column {column!r} of the table {table!r} is {found[column]!r}, not {made!r}"
    yield from (f"the table {table!r} has a column {name!r} too many" for name in found.keys() - expected)


def check_shape(connection: sqlite3.Connection, path: Path, *, reading: bool = False) -> None:
    """Refuse a ledger that is not made as its version is. Raises RunError."""
    if fault := next(faults_of_shape(connection, reading=reading), None):
        raise damaged(path, fault)


def _columns(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    quoted = table.replace('"', '""')
    rows = connection.execute(f'PRAGMA table_info("{quoted}")')
    return {name: f"{kind}{' NOT NULL' * needed}{' PRIMARY KEY' * key}" for _, name, kind, needed, _, key in rows}


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]
