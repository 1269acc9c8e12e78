import dataclasses
import multiprocessing
import sqlite3

import pytest

from tutelage.errors import RunError
from tutelage.records import Usage
from tutelage.teacher.ledger import MIGRATIONS, Ledger, LedgerRow

ROW = LedgerRow("k1", "run-a", 1.5, "http://e/v1", "m", "{}", "3 × 4 = 12", "stop", 10, 5, 0.25)


def test_keeps_rows_across_openings(tmp_path):
    path = tmp_path / "new" / "folder" / "ledger.sqlite"
    with Ledger(path) as ledger:
        assert ledger.find("k1", "run-a") is None
        ledger.record(ROW)
    with Ledger(path) as ledger:
        assert ledger.find("k1", "run-b") == ROW
        assert ledger.find("k2", "run-a") is None


def test_the_runs_own_row_comes_first(tmp_path):
    other = dataclasses.replace(ROW, run_id="run-b", text="other")
    with Ledger(tmp_path / "l") as ledger:
        ledger.record(ROW)
        ledger.record(other)
        assert [ledger.find("k1", run) for run in ("run-a", "run-b", "run-c")] == [ROW, other, ROW]


def test_sums_what_a_run_has_spent(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        assert ledger.spent("run-a") == Usage()
        ledger.record(ROW)
        ledger.record(dataclasses.replace(ROW, key="k2"))
        ledger.record(dataclasses.replace(ROW, run_id="run-b"))
        assert ledger.spent("run-a") == Usage(2, 20, 10, 0.5)


def _write(path, start):
    with Ledger(path) as ledger:
        for number in range(start, start + 40):
            ledger.record(dataclasses.replace(ROW, key=str(number)))


def test_several_processes_write_at_once(tmp_path):
    path = tmp_path / "shared.sqlite"
    context = multiprocessing.get_context("forkserver")
    processes = [context.Process(target=_write, args=(path, 100 * number)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with Ledger(path) as ledger:
        assert ledger.spent("run-a").requests == 120


def test_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "l"
    Ledger(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(RunError, match="has version 2, this tutelage knows 1; upgrade tutelage"):
        Ledger(path)


def test_a_foreign_database_is_refused_and_left_as_it_was(tmp_path):
    path = tmp_path / "l"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (name TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(RunError, match="is an SQLite file but no ledger"):
        Ledger(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to look like one" * 40, b"SQLite format 3\x00" + b"\xff" * 4000]
)
def test_a_broken_file_is_refused(tmp_path, content):
    path = tmp_path / "l"
    path.write_bytes(content)
    with pytest.raises(RunError, match="is broken or no SQLite file; move it away"):
        Ledger(path)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot use the ledger"):
        Ledger(tmp_path / "file" / "ledger.sqlite")
    with pytest.raises(RunError, match="cannot use the ledger"):
        Ledger(tmp_path)


def test_a_full_disk_is_named_and_loses_nothing(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        ledger.record(ROW)
        pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
        ledger._connection.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own way to have no room left
        with pytest.raises(RunError, match=r"the disk is full: cannot write the ledger .*free some space"):
            ledger.record(dataclasses.replace(ROW, key="k2", text="x" * 100_000))
        assert ledger.find("k1", "run-a") == ROW
        assert ledger.find("k2", "run-a") is None
