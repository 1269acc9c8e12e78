"""A ledger of many replies: what a run has spent, a look-up, and that both read an index."""

import sqlite3
from dataclasses import astuple

import pytest

from tests.teacher.ledger.rows import reply
from tutelage.records import Usage
from tutelage.teacher.ledger.file import open_ledger
from tutelage.teacher.ledger.ledger import REPLY_COLUMNS, SUMS, Ledger
from tutelage.teacher.ledger.schema import transaction

REPLIES = 20_000


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "l"
    row = astuple(reply(text="3 × 4 = 12 pens. " * 20))
    request, *rest_of_it = row[5:]
    rest = "run-a", 1.5, "http://e/v1", "m", request * 3, *rest_of_it
    connection = open_ledger(path)
    with transaction(connection):
        connection.executemany(
            f"INSERT INTO replies ({REPLY_COLUMNS}) VALUES (?{', ?' * len(rest)})",
            ((f"{number * 7919 % REPLIES:032x}", *rest) for number in range(REPLIES)),
        )
    connection.close()
    return path


@pytest.fixture
def steps(monkeypatch):
    """How many steps SQLite's machine has taken: work, whatever the clock says."""
    count, connect = [0], sqlite3.connect

    def note():
        count[0] += 10

    def watched(*arguments, **settings):
        connection = connect(*arguments, **settings)
        connection.set_progress_handler(note, 10)
        return connection

    monkeypatch.setattr(sqlite3, "connect", watched)
    return lambda: count[0]


def test_opening_and_summing_take_a_few_steps_a_reply(large, steps):
    with Ledger(large) as ledger:
        assert ledger.spent("run-a") == Usage(REPLIES, 10 * REPLIES, 5 * REPLIES, 0.25 * REPLIES)
    assert 0 < steps() < 40 * REPLIES


def test_a_look_up_takes_few_steps_however_many_replies_there_are(large, steps):
    keys = [f"{number:032x}" for number in range(0, REPLIES, REPLIES // 200)]
    with Ledger(large) as ledger:
        before = steps()
        assert all(ledger.find(key, "run-b") is not None for key in keys)
        assert ledger.find("none", "run-b") is None
        assert 0 < steps() - before < 200 * len(keys)


def test_what_is_asked_often_reads_an_index(large):
    plans = {
        "SELECT * FROM replies WHERE key = ? ORDER BY run_id <> ?, id LIMIT 1": "USING INDEX replies_by_key",
        f"SELECT {SUMS} FROM replies WHERE run_id = ?": "USING COVERING INDEX",
        f"SELECT {SUMS} FROM sent WHERE run_id = ?": "USING INDEX sent_by_run",
        "SELECT * FROM sent WHERE batch = ? ORDER BY rowid": "USING INDEX sent_by_batch",
        "DELETE FROM sent WHERE token = ?": "USING INDEX sqlite_autoindex_sent_1",
    }
    connection = open_ledger(large)
    for query, index in plans.items():
        (plan,) = (
            row[3]
            for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", ["x"] * query.count("?"))
            if "ORDER BY" not in row[3]
        )
        assert index in plan
    connection.close()
