"""The index follows files that grow, are written anew, break; it stands elsewhere where it can't be kept."""

import json
import sqlite3
import subprocess
import sys
import time

import pytest

from tests.processes import UNMEASURED
from tests.view.index.runs import append, attempt, problem, run_in, until, write
from tutelage.view.class_book import book_page
from tutelage.view.facts import Filter
from tutelage.view.index import followed
from tutelage.view.index.index import RunIndex


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def run(tmp_path):
    made = run_in(tmp_path / "run")
    write(made / "problems.jsonl", [problem("a"), problem("b"), problem("v", split="validation")])
    write(made / "round-01" / "exam.jsonl", [attempt(name, at, at == 1) for name in "ab" for at in range(2)])
    return made


def right(index):
    return [(cell.right, cell.total) for row in book_page(index, Filter()).rows for cell in row.cells]


def test_rows_are_found_as_they_come(run):
    exam = run / "round-01" / "exam.jsonl"
    with RunIndex.open(run) as index:
        assert index.wait().rows == 7
        before = index.version
        append(exam, attempt("a", 2, True, "zeta"))
        until(lambda: index.version > before)
        assert right(index) == [(2, 3), (1, 2)]
        line = json.dumps(attempt("b", 2, True)) + "\n"
        with exam.open("a") as file:
            file.write(line[:30])
            file.flush()
            time.sleep(0.6)
            assert right(index) == [(2, 3), (1, 2)]
            file.write(line[30:])
        until(lambda: right(index) == [(2, 3), (2, 3)])
        assert book_page(index, Filter(search="zeta 3")).found == 1
        write(run / "round-02" / "exam.jsonl", [attempt("b", 0, False)])
        until(lambda: len(book_page(index, Filter()).exams) == 2)


def test_broken_rows_are_left_out_and_counted(run):
    with (run / "round-01" / "exam.jsonl").open("ab") as file:
        file.write(b'{"problem_id": "a"}\n[1]\nnull\n\n  \n{"torn\n\xff\xfe\n' + b"[" * 100_000 + b"\n")
        file.write(b'{"problem_id": "new", "sample": 0, "text": 7, "verdict": {"correct": true, "answer": null}}\n')
        file.write(json.dumps(attempt("a", 9, True, "half \ud800 pair")).encode() + b"\n")
    with RunIndex.open(run) as index:
        progress = index.wait()
        assert (progress.rows, progress.broken) == (8, 7)
        assert right(index) == [(2, 3), (1, 2)]
        assert book_page(index, Filter(search="half pair")).found == 1


def test_a_long_line(run):
    append(run / "round-01" / "exam.jsonl", attempt("a", 2, True, "pens " * 2_000_000), attempt("b", 2, True))
    with RunIndex.open(run) as index:
        assert index.wait().rows == 9
        assert right(index) == [(2, 3), (2, 3)]
        assert book_page(index, Filter(search="pens")).found == 1


def test_opened_again_nothing_is_read_again(run):
    with RunIndex.open(run) as index:
        index.wait()
        version = index.version
    with RunIndex.open(run) as index:
        assert index.wait().rows == 7
        assert index.version == version
        append(run / "round-01" / "exam.jsonl", attempt("b", 2, True))
        until(lambda: right(index) == [(1, 2), (2, 3)])


def test_left_in_the_middle(run, monkeypatch):
    monkeypatch.setattr(followed, "CHUNK", 300)
    append(run / "round-01" / "exam.jsonl", *(attempt("a", at, True) for at in range(2, 300)))
    index = RunIndex.open(run)
    until(lambda: index.progress().rows > 3)
    index.close()
    with RunIndex.open(run) as index:
        assert index.wait().rows == 305
        assert right(index) == [(299, 300), (1, 2)]


def test_a_line_beyond_all_bounds(run, monkeypatch):
    monkeypatch.setattr(followed, "CHUNK", 300)
    monkeypatch.setattr(followed, "MOST_LINE", 1000)
    rows = attempt("a", 2, True, "pens " * 1000), attempt("b", 2, True)
    append(run / "round-01" / "exam.jsonl", *rows)
    with RunIndex.open(run) as index:
        progress = index.wait()
        assert (progress.rows, progress.broken) == (8, 1)
        assert right(index) == [(1, 2), (2, 3)]


def rewritten(path, rows):
    write(path.with_name("part"), rows).replace(path)


@pytest.mark.parametrize("open_meanwhile", [True, False])
def test_a_file_written_anew(run, open_meanwhile):
    exam = run / "round-01" / "exam.jsonl"
    rows = [json.loads(line) for line in exam.read_text().splitlines()]
    index = RunIndex.open(run)
    index.wait()
    version = index.version
    if not open_meanwhile:
        index.close()
    rewritten(exam, [*rows, attempt("b", 2, True)])
    if not open_meanwhile:
        index = RunIndex.open(run)
    until(lambda: right(index) == [(1, 2), (2, 3)])
    assert index.version == version + 1  # the same rows stand in it: nothing is read twice
    rewritten(exam, rows[2:])
    until(lambda: right(index) == [(0, 0), (1, 2)])
    assert "made again" in index.progress().doing
    assert index.version > version
    exam.unlink()
    until(lambda: right(index) == [])
    assert index.wait().rows == 3
    index.close()


def test_edited_in_place(run):
    exam = run / "round-01" / "exam.jsonl"
    with RunIndex.open(run) as index:
        index.wait()
        exam.write_text(exam.read_text().replace("false", "true "))
        until(lambda: right(index) == [(2, 2), (2, 2)])


def test_another_run_in_the_same_folder(run):
    with RunIndex.open(run) as index:
        index.wait()
    run_in(run, "another")
    with RunIndex.open(run) as index:
        assert "another run" in index.wait().doing


def test_two_at_once(run):
    first = RunIndex.open(run)
    first.wait()
    second = RunIndex.open(run)
    until(lambda: right(second) == [(1, 2), (1, 2)])
    append(run / "round-01" / "exam.jsonl", attempt("b", 2, True))
    until(lambda: right(second) == [(1, 2), (2, 3)])
    until(lambda: second.progress().rows == 8)
    first.close()
    append(run / "round-01" / "exam.jsonl", attempt("a", 2, True))
    until(lambda: right(second) == [(2, 3), (2, 3)])
    second.close()


def test_a_broken_index_is_made_again(run):
    with RunIndex.open(run) as index:
        index.wait()
        kept = next((run / ".view").glob("*.sqlite"))
    kept.write_bytes(b"no database at all " * 1000)
    with RunIndex.open(run) as index:
        assert index.wait().rows == 7
        assert right(index) == [(1, 2), (1, 2)]
    data = bytearray(kept.read_bytes())
    data[8192:] = b"\x55" * (len(data) - 8192)
    kept.write_bytes(data)
    with RunIndex.open(run) as index:
        until(lambda: index.progress().done and right(index) == [(1, 2), (1, 2)])


def test_where_nothing_can_be_written(run, cache):
    (run / ".view").write_text("a file, no folder")
    with RunIndex.open(run) as index:
        assert "cannot be kept" in index.wait().doing
        assert right(index) == [(1, 2), (1, 2)]
        assert list(cache.rglob("*.sqlite"))
    for path in cache.rglob("*"):
        if path.is_file():
            path.unlink()
    (cache / "tutelage" / "view").rename(cache / "aside")
    (cache / "tutelage" / "view").write_text("a file, no folder")
    with RunIndex.open(run) as index:
        assert "in memory" in index.wait().doing
        assert right(index) == [(1, 2), (1, 2)]
        append(run / "round-01" / "exam.jsonl", attempt("b", 2, True))
        until(lambda: right(index) == [(1, 2), (2, 3)])


def test_a_full_disk(run):
    """Files may have 20 kB: as on a full disk, SQLite's writes fail. What it has written so far is removed."""
    script = f"""
import resource
from pathlib import Path
from tutelage.view.index.index import RunIndex
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
with RunIndex.open(Path({str(run)!r})) as index:
    print(index.wait())
"""
    command = [sys.executable, "-c", script]  # not measured: coverage could not write either
    done = subprocess.run(command, env=UNMEASURED, capture_output=True, text=True, check=True)
    assert "rows=7" in done.stdout
    assert "kept in memory" in done.stdout
    assert done.stderr == ""
    assert [path.name for path in (run / ".view").iterdir()] == ["lock"]


def test_the_run_is_not_touched(run):
    files = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in run.rglob("*") if path.is_file()}
    with RunIndex.open(run) as index:
        index.wait()
        book_page(index, Filter())
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files} == files
    assert {path.name for path in run.iterdir()} == {"run.json", "problems.jsonl", "round-01", ".view"}


def test_no_run_at_all(tmp_path):
    with RunIndex.open(tmp_path / "nothing") as index:
        until(lambda: "cannot read" in index.progress().doing or index.progress().done)
        assert index.sittings() == []
        assert book_page(index, Filter()).rows == []
    assert not (tmp_path / "nothing").exists()


def test_words_that_come_later_under_one_number():
    """FTS5 finds a number by words of several inserts, across its segments."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute(
            "CREATE VIRTUAL TABLE words USING fts5 (said, content='', columnsize=0, detail=none, tokenize='ascii')"
        )
        for number in range(300):
            for word in ("one", "two" if number % 2 else "three", f"n{number}"):
                connection.execute("INSERT INTO words (rowid, said) VALUES (?, ?)", (number, word))
                connection.commit()
        connection.execute("INSERT INTO words (words) VALUES ('optimize')")
        query = "SELECT rowid FROM words WHERE words MATCH ?"
        found = [number for (number,) in connection.execute(query, ('"one" AND "two"',))]
        assert found == list(range(1, 300, 2))
        assert connection.execute(query, ('"one" AND "n7"',)).fetchall() == [(7,)]
