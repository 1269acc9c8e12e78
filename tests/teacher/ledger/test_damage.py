"""Ledgers that others have changed: each ends in one line that says what is wrong, and none counts as whole."""

import os
import sqlite3
from contextlib import closing, suppress

import pytest

from tests.command import tutelage
from tests.teacher.ledger.rows import reply, write_version_1
from tutelage.errors import RunError
from tutelage.records import Usage
from tutelage.teacher.ledger.ledger import Answered, Batch, Failed, Ledger, Sent
from tutelage.teacher.ledger.reader import LedgerReader


@pytest.fixture
def path(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        ledger.write(*(Answered("t", reply(number)) for number in range(40)))
        ledger.write(Failed("k", "run-a", 1.0, "e", "m", "rate limit", "429"), Batch("b", "run-a", 1.0, "e", "m"))
        ledger.write(Sent("t1", "k", "run-a", 1.0, Usage(1, 20, 30, 0.5)))
    return tmp_path / "l"


def change(path, *statements):
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def verify(path):
    result = tutelage("ledger", "verify", path)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        (["DROP TABLE sent"], "the table 'sent' is missing"),
        (["DROP TABLE replies"], "the table 'replies' is missing"),
        (["ALTER TABLE failures DROP COLUMN detail"], "the table 'failures' has no column 'detail'"),
        (["ALTER TABLE replies RENAME COLUMN text TO words"], "the table 'replies' has no column 'text'"),
        (["ALTER TABLE replies ADD COLUMN mood TEXT NOT NULL DEFAULT ''"], "has a column 'mood' too many"),
        (["CREATE TABLE people (name TEXT)"], "there is a table 'people' too many"),
        (["DROP TABLE batches", "CREATE TABLE batches (token BLOB)"], "'token' of the table 'batches' is 'BLOB', not"),
        (["DROP TABLE sent", "CREATE VIEW sent AS SELECT 1 AS token"], "the table 'sent' is missing"),
    ],
)
def test_other_tables(path, statements, fault):
    change(path, *statements)
    result = verify(path)
    assert result.exit_code == 2
    assert fault in result.output
    for opened in (Ledger, LedgerReader):
        with pytest.raises(RunError, match=r"is damaged: .*; restore it or name another file"):
            opened(path)
    for command in ("show", "export"):
        assert tutelage("ledger", command, path).exit_code == 2


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE replies SET text = x'00ff' WHERE id = 2", "reply 2: its text is no text"),
        ("UPDATE replies SET finish_reason = x'00' WHERE id = 2", "reply 2: its finish_reason is no text"),
        ("UPDATE replies SET model = x'00' WHERE id = 2", "reply 2: its model is no text"),
        ("UPDATE replies SET prompt_tokens = 1.5 WHERE id = 2", "reply 2: its prompt_tokens are 1.5"),
        ("UPDATE replies SET cost_usd = 'dear' WHERE id = 2", "reply 2: its cost_usd is 'dear'"),
        ("UPDATE replies SET cost_usd = 9e999", "reply 1: its cost_usd is inf"),
        ("UPDATE replies SET created = 'now' WHERE id = 2", "reply 2: its time, created, is 'now'"),
        ("UPDATE sent SET cost_usd = 'dear'", "sent, row 1: its cost_usd is text"),
        ("UPDATE failures SET reason = x'00'", "failures, row 1: its reason is blob"),
        ("UPDATE batches SET done = 'yes'", "batches, row 1: its done is text"),
    ],
)
def test_other_types(path, statement, fault):
    change(path, statement)
    result = verify(path)
    assert result.exit_code == 2
    assert fault in result.stdout.splitlines()


@pytest.mark.parametrize("value", ["x'00ff'", "CAST(x'ff' AS TEXT)"])
def test_a_binary_reply_is_not_used_and_not_exported(path, value):
    change(path, f"UPDATE replies SET text = {value} WHERE id = 2")
    with Ledger(path) as ledger, pytest.raises(RunError, match=r"is (damaged|broken)"):
        ledger.find(reply(1).key, "run-a")
    assert tutelage("ledger", "show", path).exit_code == 0


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.6, 0.9, 0.999])
def test_a_file_cut_short(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    for command in ("verify", "show", "export"):
        result = tutelage("ledger", command, path)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert result.exit_code == 2 or (command != "verify" and share > 0.5)
    with suppress(RunError), Ledger(path) as ledger:
        assert ledger.spent("run-a") == (Usage() if share == 0 else Usage(40, 400, 200, 10.0) + Usage(1, 20, 30, 0.5))


def test_an_old_ledger_with_other_tables(tmp_path):
    write_version_1(tmp_path / "old", reply())
    change(tmp_path / "old", "ALTER TABLE replies DROP COLUMN text")
    assert "has no column 'text'" in verify(tmp_path / "old").output
    with pytest.raises(RunError, match="is damaged"):
        Ledger(tmp_path / "old")


@pytest.mark.parametrize("place", ["/dev/null", "/dev/full", "folder", "pipe", "a\0b"])
def test_what_is_no_file_is_no_ledger(tmp_path, place):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RunError, match="cannot use the ledger"):
        Ledger(place if place.startswith("/") else tmp_path / place)
    assert tutelage("ledger", "verify", tmp_path / place).exit_code == 2
