import sqlite3
import tracemalloc
from contextlib import closing
from dataclasses import astuple
from datetime import UTC, datetime

import pytest

from tests.teacher.ledger.rows import reply, write_version_1
from tutelage.errors import RunError
from tutelage.records import Usage
from tutelage.teacher.ledger.ledger import Answered, Failed, Ledger, Sent
from tutelage.teacher.ledger.reader import LedgerReader, export_row, pace_of
from tutelage.teacher_records import FailureCount, Spending

EVENING = datetime(2026, 3, 1, 23, 59, 59, 999000, tzinfo=UTC).timestamp()


@pytest.fixture
def path(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.write(
            Answered("t", reply(0, created=EVENING + 1)),
            Answered("t", reply(1, created=EVENING)),
            Answered("t", reply(2, created=EVENING, run_id="run-b")),
            Answered("t", reply(3, created=EVENING, model="large")),
            Failed("k", "run-a", 1.0, "e", "m", "rate limit", "429"),
            Failed("k", "run-a", 1.0, "e", "m", "wrong answer", "13"),
            Failed("k", "run-b", 1.0, "e", "m", "wrong answer", "14"),
            Sent("t1", "k", "run-a", 1.0, Usage(1, 20, 30, 0.5)),
            Sent("t2", "k", "run-b", 1.0, Usage(1, 20, 30, 0.5)),
        )
    return tmp_path / "ledger.sqlite"


def test_spending_failures_and_losses_of_all_runs(path):
    with LedgerReader(path.parent) as reader:  # a run's folder
        assert reader.path == path
        assert reader.spending() == [
            Spending("2026-03-01", "large", Usage(1, 10, 5, 0.25)),
            Spending("2026-03-01", "m", Usage(2, 20, 10, 0.5)),
            Spending("2026-03-02", "m", Usage(1, 10, 5, 0.25)),
        ]
        assert reader.failures() == [FailureCount("m", "wrong answer", 2), FailureCount("m", "rate limit", 1)]
        assert reader.lost() == Usage(2, 40, 60, 1.0)
        assert list(reader.faults()) == []


def test_a_row_as_plain_data():
    assert export_row(reply(7, created=EVENING)) == {
        "key": reply(7).key,
        "run_id": "run-a",
        "created": "2026-03-01T23:59:59.999+00:00",
        "endpoint": "http://e/v1",
        "model": "m",
        "messages": [{"role": "user", "content": "3 boxes of 4 pens?"}],
        "temperature": 0.7,
        "max_tokens": 64,
        "sample": 7,
        "text": "3 × 4 = 12",
        "reasoning": "",
        "finish_reason": "stop",
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "cached_tokens": 0,
        "cost_usd": 0.25,
        "served_model": "",
        "provider": "",
        "seconds": 0.0,
    }


@pytest.mark.parametrize("damage", [{"request": "{"}, {"request": "[]"}, {"created": 1e300}])
def test_a_damaged_row_is_not_exported(damage):
    with pytest.raises(RunError, match=f"the reply '{reply().key}' is damaged; `tutelage ledger verify` says how"):
        export_row(reply(**damage))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("key = 'k1'", "its key 'k1' is not the hash of its request"),
        ("request = replace(request, '0.7', '0.8')", "is not the hash of its request"),
        ("request = 'none'", "its request is not a JSON object"),
        ('request = \'{"model": "m", "messages": []}\'', "its request has no 'messages'"),
        ("request = replace(request, 'model', 'modell')", "its request has no 'model'"),
        ("prompt_tokens = -1", "its prompt_tokens are -1"),
        ("completion_tokens = 'many'", "its completion_tokens are 'many'"),
        ("cost_usd = 9e999", "its cost_usd is inf"),
        ("cost_usd = -0.5", "its cost_usd is -0.5"),
        ("created = 1e300", "its time, created, is 1e+300"),
        ("request = CAST(x'ff' AS TEXT)", "its request is not a JSON object"),
    ],
)
def test_a_damaged_reply_is_found(path, change, fault):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE replies SET {change} WHERE id = 2")
    with LedgerReader(path) as reader:
        faults = list(reader.faults())
    assert any(fault in line for line in faults), faults
    assert all(line.startswith("reply 2: ") for line in faults)


def test_a_key_with_two_requests_is_found(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE replies SET key = 'k' WHERE id IN (1, 2)")
    with LedgerReader(path) as reader:
        assert "key 'k' stands for more than one request" in list(reader.faults())


def test_damage_to_the_file_is_found(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, 'replies (key)', 'replies (run_id)')")
        connection.commit()
    with LedgerReader(path) as reader:
        assert any(line.startswith("the file: row 1 missing from index replies_by_key") for line in reader.faults())


def test_an_old_ledger_is_verified_as_well(tmp_path):
    write_version_1(tmp_path / "l", reply(0), reply(1, key="k1"))
    with LedgerReader(tmp_path / "l") as reader:
        assert list(reader.faults()) == ["reply 2: its key 'k1' is not the hash of its request"]


def test_rows_are_read_one_by_one(tmp_path):
    """A thousand replies of 20 kB are read in much less than their 20 MB."""
    with Ledger(tmp_path / "l") as ledger:
        ledger.write(*(Answered("t", reply(number, text="x" * 20_000)) for number in range(1000)))
    with LedgerReader(tmp_path / "l") as reader:
        tracemalloc.start()
        assert sum(len(row.text) for row in reader.rows()) == 20_000_000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([(10.0, 2.0, 30)], (1, 2.0, 2.0, 15.0)),
        ([(10.0, 2.0, 30), (10.0, 2.0, 30)], (2, 2.0, 2.0, 30.0)),  # at the same time
        ([(10.0, 2.0, 30), (11.0, 2.0, 30)], (2, 2.0, 2.0, 20.0)),  # half of it at the same time
        ([(10.0, 2.0, 30), (90.0, 4.0, 30)], (2, 3.0, 4.0, 10.0)),  # one after the other
        ([(20.0, 10.0, 5), (15.0, 1.0, 5)], (2, 5.5, 10.0, 1.0)),  # one within the other
        ([(2.5e11, 1e-9, 5)], (1, 1e-9, 1e-9, 5e9)),  # shorter than times of arrival can tell
        ([(float(n), 0.5, 1) for n in range(1, 101)], (100, 0.5, 0.5, 2.0)),
        ([(1000.0 * n, float(n), 0) for n in range(1, 101)], (100, 50.5, 95.0, 0.0)),
    ],
)
def test_pace(replies, expected):
    assert astuple(pace_of("m", replies)) == ("m", *expected)


def test_pace_by_model_of_what_is_timed(tmp_path):
    rows = [reply(1, seconds=2.0), reply(2), reply(3, model="n", seconds=4.0, completion_tokens=8)]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.write(*(Answered(str(number), row) for number, row in enumerate(rows)))
    with LedgerReader(tmp_path) as reader:
        assert [(pace.model, pace.replies, pace.tokens_per_second) for pace in reader.pace()] == [
            ("m", 1, 2.5),
            ("n", 1, 2.0),
        ]
