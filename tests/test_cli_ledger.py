"""`tutelage ledger`, called as a user calls it."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.teacher.ledger.rows import reply, write_version_1
from tests.test_cli import tutelage
from tutelage.config.file import dump_config, parse_config
from tutelage.records import Usage
from tutelage.teacher.ledger.ledger import Answered, Failed, Ledger, Sent

TEXT = "3 × 4 = 12\n[red]\x1b[2J\x9b2J\u2028"


@pytest.fixture
def run(tmp_path) -> Path:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.write(*(Answered("t", reply(number, text=TEXT)) for number in range(3)))
        ledger.write(Failed("k", "run-a", 1.0, "e", "m", "wrong answer", "13"))
        ledger.write(Sent("t1", "k", "run-a", 1.0, Usage(1, 20, 30, 0.5)))
    return tmp_path


@pytest.mark.parametrize("command", ["show", "export", "verify"])
def test_every_command_has_help_with_an_example(command):
    result = tutelage("ledger", command, "--help")
    assert result.exit_code == 0
    assert "Example: tutelage ledger" in result.output


def test_show(run):
    result = tutelage("ledger", "show", run)
    assert result.exit_code == 0, result.output
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.output.splitlines() if "│" in line]
    assert rows == [
        ["1970-01-01", "m", "3", "30", "15", "0.7500"],
        ["all", "all", "3", "30", "15", "0.7500"],
        ["wrong answer", "m", "1"],
    ]
    assert "1; perhaps charged, at most 50 tokens and 0.5000 USD" in " ".join(result.output.split())


def test_the_ledger_of_a_run_that_keeps_it_elsewhere(run, tmp_path):
    shared = tmp_path / "shared.sqlite"
    (run / "ledger.sqlite").rename(shared)
    folder = tmp_path / "runs" / "mine"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    teacher = {"kind": "openai", "model": "m", "ledger": str(shared)}
    (folder / "config.yaml").write_text(dump_config(parse_config({"task": {"name": "shopping"}, "teacher": teacher})))
    for command in ("show", "export", "verify"):
        assert tutelage("ledger", command, folder).stdout == tutelage("ledger", command, shared).stdout != ""


def test_export_to_the_terminal_and_to_a_file_is_the_same(run):
    printed = tutelage("ledger", "export", run / "ledger.sqlite").stdout
    result = tutelage("ledger", "export", run, "--out", run / "new" / "replies.jsonl")
    assert (result.exit_code, result.output) == (0, "")
    text = (run / "new" / "replies.jsonl").read_text(encoding="utf-8")
    assert text == printed
    assert [path.name for path in (run / "new").iterdir()] == ["replies.jsonl"]
    lines = text.splitlines()  # also splits at U+2028, so none may stand there
    assert [json.loads(line)["sample"] for line in lines] == [0, 1, 2]
    row = json.loads(lines[0])
    assert row["text"] == TEXT
    assert row["created"] == "1970-01-01T00:00:01.500+00:00"
    assert row["messages"][0]["content"] == "3 boxes of 4 pens?"
    assert "3 × 4" in text
    assert not {"\x1b", "\x9b"} & set(text)


def test_export_never_writes_over_the_ledger_nor_half_a_file(run):
    before = (run / "ledger.sqlite").read_bytes()
    result = tutelage("ledger", "export", run, "--out", run / "ledger.sqlite")
    assert result.exit_code == 2
    assert "is the ledger itself; name another file" in result.output
    assert (run / "ledger.sqlite").read_bytes() == before
    with closing(sqlite3.connect(run / "ledger.sqlite")) as connection, connection:
        connection.execute("UPDATE replies SET request = '{' WHERE id = 3")
    (run / "out.jsonl").write_text("earlier")
    result = tutelage("ledger", "export", run, "--out", run / "out.jsonl")
    assert result.exit_code == 2
    assert "is damaged; `tutelage ledger verify` says how" in result.output
    assert (run / "out.jsonl").read_text() == "earlier"
    assert not (run / ".out.jsonl.part").exists()


def test_verify(run):
    result = tutelage("ledger", "verify", run)
    assert (result.exit_code, result.output) == (0, f"{run / 'ledger.sqlite'}: 3 replies, all whole\n")
    with closing(sqlite3.connect(run / "ledger.sqlite")) as connection, connection:
        connection.execute("UPDATE replies SET key = ? WHERE id = 2", ("\x1b[2J",))
    result = tutelage("ledger", "verify", run)
    assert result.exit_code == 2
    assert result.stdout == "reply 2: its key '\\x1b[2J' is not the hash of its request\n"
    assert "is not whole (1 found)" in result.stderr


def test_verify_shows_some_faults_and_counts_the_rest(tmp_path):
    write_version_1(tmp_path / "old", *(reply(number, key="k", request="{}") for number in range(30)))
    result = tutelage("ledger", "verify", tmp_path / "old")
    assert result.exit_code == 2
    assert len(result.stdout.splitlines()) == 21
    assert result.stdout.endswith("… and 70 more\n")


@pytest.mark.parametrize("command", ["show", "export", "verify"])
def test_nothing_is_made_and_nothing_is_changed(tmp_path, command):
    result = tutelage("ledger", command, tmp_path / "none.sqlite")
    assert result.exit_code == 2
    assert result.output.startswith(f"error: there is no ledger {tmp_path / 'none.sqlite'}; name the file")
    assert "a teacher without an endpoint keeps none" in result.output
    assert list(tmp_path.iterdir()) == []
    write_version_1(tmp_path / "old", reply())
    before = (tmp_path / "old").read_bytes()
    assert tutelage("ledger", command, tmp_path / "old").exit_code == 0
    assert (tmp_path / "old").read_bytes() == before


def test_a_reader_of_the_export_that_stops_early_is_no_fault(run):
    with Ledger(run / "ledger.sqlite") as ledger:
        ledger.write(*(Answered("t", reply(number, text="x" * 10_000)) for number in range(100)))
    command = [sys.executable, "-m", "tutelage", "ledger", "export", str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        assert json.loads(process.stdout.readline())["sample"] == 0
        process.stdout.close()
        assert process.stderr.read() == ""
