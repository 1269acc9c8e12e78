import errno
import os
from pathlib import Path

import pytest

from tutelage.errors import RunError
from tutelage.records import Attempt, Usage, Verdict
from tutelage.run_records import Accuracy
from tutelage.runs.files import (
    append_rows,
    digest,
    disk_errors,
    read_json,
    read_record,
    read_rows,
    write_json,
    write_rows,
)


def attempt(sample: int, text: str = "4 × 3 = 12\nThe answer is 12."):
    return Attempt("ab12", sample, text, Verdict(True, "12", "right"), "stop", 9)


def test_rows_come_back_as_they_were(tmp_path):
    path = tmp_path / "deep" / "exam.jsonl"
    append_rows(path, [attempt(0), attempt(1, "tab\t, newline\n, emoji 🐄, \u2028 and \x85")])
    append_rows(path, [attempt(2)])
    assert read_rows(path, Attempt) == [
        attempt(0),
        attempt(1, "tab\t, newline\n, emoji 🐄, \u2028 and \x85"),
        attempt(2),
    ]


def test_half_a_surrogate_pair_does_not_break_the_file(tmp_path):
    append_rows(tmp_path / "exam.jsonl", [attempt(0, "a\ud800b")])
    assert read_rows(tmp_path / "exam.jsonl", Attempt) == [attempt(0, "a?b")]


def test_a_torn_last_row_is_cut_off_the_file(tmp_path):
    path = tmp_path / "exam.jsonl"
    append_rows(path, [attempt(0), attempt(1)])
    whole = path.read_bytes()
    for length in (len(whole) - 1, len(whole) - 20):
        path.write_bytes(whole[:length])
        assert read_rows(path, Attempt) == [attempt(0)]
        append_rows(path, [attempt(1)])
        assert path.read_bytes() == whole


def test_a_broken_row_names_file_and_line(tmp_path):
    path = tmp_path / "exam.jsonl"
    append_rows(path, [attempt(0)])
    with path.open("a") as file:
        file.write('{"problem_id": 3}\n')
    with pytest.raises(RunError, match=r"exam\.jsonl, line 2 is broken"):
        read_rows(path, Attempt)


def test_nothing_stands_at_the_name_before_the_file_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    write_json(path, {"a": 1})

    def die(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", die)
    with pytest.raises(KeyboardInterrupt):
        write_json(path, {"a": 2})
    assert read_json(path) == {"a": 1}


@pytest.mark.parametrize(
    ("code", "message"),
    [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "choose another directory"), (errno.EROFS, "cannot write")],
)
def test_a_full_or_closed_disk_is_told_with_the_remedy(code, message):
    with pytest.raises(RunError, match=message), disk_errors(Path("runs/x")):
        raise OSError(code, os.strerror(code))
    with pytest.raises(OSError, match="Input/output"), disk_errors(Path("runs/x")):
        raise OSError(errno.EIO, "Input/output")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_disk_that_is_really_full(tmp_path):
    (tmp_path / "rows.jsonl").symlink_to("/dev/full")
    with pytest.raises(RunError, match="the disk is full"):
        append_rows(tmp_path / "rows.jsonl", [attempt(0)])


def test_digest_tells_content_not_order_of_keys():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest(Usage(1)) != digest(Usage(2))
    assert digest("a", "b") != digest("ab")


def test_records_in_json(tmp_path):
    write_json(tmp_path / "a.json", Accuracy(0.5, 0.4, 0.6, 10))
    assert read_record(tmp_path / "a.json", Accuracy) == Accuracy(0.5, 0.4, 0.6, 10)
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(RunError, match="remove it"):
        read_record(tmp_path / "a.json", Accuracy)
    with pytest.raises(RunError, match="does not hold an object"):
        read_json(tmp_path / "a.json")
    with pytest.raises(RunError, match="cannot read"):
        read_json(tmp_path / "none.json")


def test_write_rows_replaces_all(tmp_path):
    write_rows(tmp_path / "e.jsonl", [attempt(0), attempt(1)])
    write_rows(tmp_path / "e.jsonl", [attempt(2)])
    assert read_rows(tmp_path / "e.jsonl", Attempt) == [attempt(2)]
    assert read_rows(tmp_path / "none.jsonl", Attempt) == []
