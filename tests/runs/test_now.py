"""now.json as it is found: whole, torn, foreign, or of a run that was killed."""

import json
import os
import time
from dataclasses import asdict

import pytest

from tutelage.run_records import Now
from tutelage.runs.now import AT_WORK, MOST_NOW, NOW, read_now

FOUND = Now(1.5e9, 7, "round 2: exam", "problems", 30, 120, 1.5e9 - 60, 0.5, 900, 15.0, retried={"time-out": 2})


def test_what_a_run_does_is_read_while_somebody_writes_it(tmp_path):
    assert read_now(tmp_path) is None
    (tmp_path / NOW).write_text(json.dumps(asdict(FOUND)))
    assert read_now(tmp_path) == FOUND
    before = time.time() - AT_WORK - 1
    os.utime(tmp_path / NOW, (before, before))
    assert read_now(tmp_path) is None


@pytest.mark.parametrize("name", ["at", "began", "done", "total", "rate", "tokens", "in_flight", "usd"])
@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e300", "-1e300", "1" + "0" * 400, '"x"', "null", "[]"])
def test_a_figure_that_no_run_has_makes_it_none(tmp_path, name, value):
    text = json.dumps({**asdict(FOUND), name: "here"}).replace('"here"', value)
    (tmp_path / NOW).write_text(text)
    assert read_now(tmp_path) is None
    (tmp_path / NOW).write_text(json.dumps({**asdict(FOUND), "failures": {"x": "here"}}).replace('"here"', value))
    assert read_now(tmp_path) is None


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b" " * (MOST_NOW + 1)])
def test_what_is_no_record_is_none(tmp_path, data):
    (tmp_path / NOW).write_bytes(data)
    assert read_now(tmp_path) is None


@pytest.mark.parametrize("make", ["mkdir", "mkfifo", "symlink"])
def test_what_is_no_file_is_none(tmp_path, make):
    path = tmp_path / NOW
    {"mkdir": path.mkdir, "mkfifo": lambda: os.mkfifo(path), "symlink": lambda: path.symlink_to(NOW)}[make]()
    assert read_now(tmp_path) is None
