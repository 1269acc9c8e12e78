"""Rows of a ledger, and a ledger as version 1 wrote it, made by SQL alone."""

import hashlib
import json
import sqlite3
from dataclasses import astuple, replace
from pathlib import Path

from tutelage.teacher.ledger.ledger import LedgerRow

VERSION_1 = """
    CREATE TABLE replies (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL, run_id TEXT NOT NULL, created REAL NOT NULL,
        endpoint TEXT NOT NULL, model TEXT NOT NULL, request TEXT NOT NULL, text TEXT NOT NULL,
        finish_reason TEXT NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
        cost_usd REAL NOT NULL
    );
    CREATE INDEX replies_by_key ON replies (key);
    CREATE INDEX replies_by_run ON replies (run_id);
    PRAGMA application_id = 1416983660;
    PRAGMA user_version = 1;
    PRAGMA journal_mode = WAL;
"""


def reply(number: int = 0, **changes: object) -> LedgerRow:
    """A reply under the key of its own request."""
    payload = {"endpoint": "http://e/v1", "model": "m", "max_tokens": 64, "temperature": 0.7, "sample": number}
    request = json.dumps({**payload, "messages": [{"role": "user", "content": "3 boxes of 4 pens?"}]}, sort_keys=True)
    key = hashlib.sha256(request.encode()).hexdigest()[:32]
    row = LedgerRow(key, "run-a", 1.5, "http://e/v1", "m", request, "3 × 4 = 12", "stop", 10, 5, 0.25)
    return replace(row, **changes)


def write_version_1(path: Path, *rows: LedgerRow) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_1)
    with connection:
        connection.executemany(f"INSERT INTO replies VALUES (NULL{', ?' * 11})", (astuple(row)[:11] for row in rows))
    connection.close()
