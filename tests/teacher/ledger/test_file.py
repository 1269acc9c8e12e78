import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.teacher.ledger.rows import reply, write_version_1
from tutelage.errors import RunError
from tutelage.records import Usage
from tutelage.teacher.ledger.file import check_place, open_ledger
from tutelage.teacher.ledger.ledger import Answered, Ledger, Sent
from tutelage.teacher.ledger.reader import LedgerReader
from tutelage.teacher.ledger.schema import MIGRATIONS


def schema(path):
    with closing(sqlite3.connect(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
        return version, sorted((kind, name, " ".join((sql or "").split())) for kind, name, sql in rows)


def test_a_ledger_of_version_1_is_migrated_and_keeps_its_rows(tmp_path):
    rows = [reply(number) for number in range(3)]
    write_version_1(tmp_path / "old", *rows)
    with Ledger(tmp_path / "old") as ledger:
        assert [ledger.find(row.key, "run-a") for row in rows] == rows
        assert ledger.spent("run-a") == Usage(3, 30, 15, 0.75)
        ledger.write(Sent("t1", "k", "run-a", 1.0, Usage(1, 1, 1, 1.0)), Answered("t0", reply(3)))
        assert ledger.lost("run-a").requests == 1
    Ledger(tmp_path / "new").close()
    assert schema(tmp_path / "old") == schema(tmp_path / "new")
    assert schema(tmp_path / "new")[0] == (len(MIGRATIONS),)


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    write_version_1(tmp_path / "old", reply())
    before = schema(tmp_path / "old")

    def fail(connection):
        connection.execute("CREATE TABLE half (done)")
        connection.execute("no SQL")

    monkeypatch.setattr("tutelage.teacher.ledger.schema.MIGRATIONS", (*MIGRATIONS, fail))
    with pytest.raises(RunError, match="syntax error"):
        Ledger(tmp_path / "old")
    assert schema(tmp_path / "old") == before


@pytest.mark.parametrize("opened", [Ledger, LedgerReader])
def test_a_newer_version_is_refused(tmp_path, opened):
    path = tmp_path / "l"
    Ledger(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(RunError, match="has version 4, this tutelage knows 3; upgrade tutelage"):
        opened(path)


@pytest.mark.parametrize("opened", [Ledger, LedgerReader])
def test_a_foreign_database_is_refused_and_left_as_it_was(tmp_path, opened):
    path = tmp_path / "l"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE people (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(RunError, match="is an SQLite file but no ledger"):
        opened(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("opened", [Ledger, LedgerReader])
@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to look like one" * 40, b"SQLite format 3\x00" + b"\xff" * 4000]
)
def test_a_broken_file_is_refused(tmp_path, content, opened):
    path = tmp_path / "l"
    path.write_bytes(content)
    with pytest.raises(RunError, match="is broken or no SQLite file; move it away"):
        opened(path)
    assert path.read_bytes() == content


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot use the ledger"):
        Ledger(tmp_path / "file" / "ledger.sqlite")
    with pytest.raises(RunError, match="cannot use the ledger"):
        Ledger(tmp_path)


def test_every_commit_reaches_the_disk(tmp_path):
    """What a killed computer leaves can't be tried here; that each commit is synced is a setting of the connection."""
    with closing(open_ledger(tmp_path / "l")) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_looking_makes_no_ledger(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(RunError, match=r"there is no ledger .*teacher\.ledger"):
            LedgerReader(path)
    assert list(tmp_path.iterdir()) == []


def test_looking_changes_neither_version_nor_bytes(tmp_path):
    path = tmp_path / "what? a #1 ledger%20"  # characters that mean something in a URI
    write_version_1(path, reply(0), reply(1))
    before = path.read_bytes()
    with LedgerReader(path) as reader:
        assert list(reader.rows()) == [reply(0), reply(1)]
        assert reader.failures() == []
        assert reader.lost() == Usage()
    assert path.read_bytes() == before


def test_looking_sees_one_state_while_others_write(tmp_path):
    path = tmp_path / "l"
    with Ledger(path) as ledger:
        ledger.write(Answered("t", reply(0)))
        with LedgerReader(path) as reader:
            ledger.write(Answered("t", reply(1)), Sent("t", "k", "r", 1.0, Usage(1, 1, 1, 1.0)))
            assert list(reader.rows()) == [reply(0)]
            assert reader.lost() == Usage()
        with LedgerReader(path) as reader:
            assert list(reader.rows()) == [reply(0), reply(1)]


def test_looking_works_where_nothing_can_be_made_beside_the_file(tmp_path):
    path = tmp_path / "l"
    with Ledger(path) as ledger:
        ledger.write(Answered("t", reply()))
    (tmp_path / "l-shm").symlink_to(tmp_path / "no" / "where")  # SQLite can't make its file, as on a read-only disk
    with LedgerReader(path) as reader:
        assert list(reader.rows()) == [reply()]


def test_replies_that_are_still_in_the_log_are_not_overlooked(tmp_path):
    path, copy = tmp_path / "l", tmp_path / "copy"
    with Ledger(path) as ledger:
        ledger.write(Answered("t", reply()))
        copy.write_bytes(path.read_bytes())  # what a killed process leaves: the log is not yet in the file
        (tmp_path / "copy-wal").write_bytes((tmp_path / "l-wal").read_bytes())
    with LedgerReader(copy) as reader:
        assert list(reader.rows()) == [reply()]
    (tmp_path / "copy-shm").unlink()
    (tmp_path / "copy-shm").symlink_to(tmp_path / "no" / "where")
    with pytest.raises(RunError, match="cannot use the ledger"):
        LedgerReader(copy)


def test_a_transaction_that_was_cut_off_is_not_read_half(tmp_path):
    path, copy = tmp_path / "l", tmp_path / "copy"
    with Ledger(path) as ledger:
        ledger.write(*(Answered("t", reply(number)) for number in range(100)))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in ("PRAGMA journal_mode = DELETE", "PRAGMA cache_size = 3", "BEGIN IMMEDIATE"):
            connection.execute(statement)
        connection.execute("UPDATE replies SET prompt_tokens = 7")
        for end in ("", "-journal"):  # what a killed process leaves
            copy.with_name(copy.name + end).write_bytes(path.with_name(path.name + end).read_bytes())
    with pytest.raises(RunError, match="cannot use the ledger"):
        LedgerReader(copy)
    with Ledger(copy) as ledger:
        assert ledger.spent("run-a").prompt_tokens == 1000


def test_a_ledger_that_another_process_locks_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("tutelage.teacher.ledger.file._BUSY_SECONDS", 0.05)
    Ledger(tmp_path / "l").close()
    with closing(sqlite3.connect(tmp_path / "l", isolation_level=None)) as connection:
        for statement in ("PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE", "CREATE TABLE x (y)"):
            connection.execute(statement)
        for opened in (Ledger, LedgerReader):
            with pytest.raises(RunError, match="is in use: another process locks it"):
                opened(tmp_path / "l")


@pytest.mark.parametrize("place", ["/proc/none", "/proc/version", "/proc/self/mem", "/dev/null"])
def test_a_place_that_takes_no_files_is_named(place):
    with pytest.raises(RunError, match="cannot use the ledger"):
        check_place(Path(place))
