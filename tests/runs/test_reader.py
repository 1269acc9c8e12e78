"""The one reader of run directories: what is whole is read, and of the rest it is said what is wrong with it."""

import json
import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.runs.test_changed_files import CONFIG, HOW, Stopped, at_work, damaged, finished, texts
from tutelage.config.shown import changed, shown
from tutelage.errors import RunError
from tutelage.records import Attempt
from tutelage.report.progress import Show
from tutelage.run_records import Now, RoundResult
from tutelage.runs.files import write_json
from tutelage.runs.finished import read_result
from tutelage.runs.found import kind_of
from tutelage.runs.now import AT_WORK, NOW
from tutelage.runs.reader import PROBLEMS, RunReader, open_run

__all__ = ["finished"]


@pytest.fixture
def copied(finished, tmp_path) -> Path:
    return shutil.copytree(finished[0], tmp_path / "run")


def test_a_whole_run(finished):
    root, result = finished
    run = open_run(root)
    assert run.result == result == read_result(root)
    assert run.rounds == result.rounds
    assert run.config == CONFIG
    assert (run.settings, run.changed) == (shown(CONFIG), changed(CONFIG))
    assert run.faults == ()
    assert (run.state, run.now, run.command, run.ledger) == ("finished", None, None, None)
    assert [sitting.name for sitting in run.sittings] == [
        *("evaluation-0", "exam-1", "evaluation-1", "exam-2", "evaluation-2"),
        *("test-before", "test-after"),
    ]
    assert {sitting.split for sitting in run.sittings} == {"train", "validation", "test"}
    assert len(list(run.records(1, "exam.jsonl", Attempt))) == 10
    assert run.stages(1)["exam"]["done"] is True
    assert [row["split"] for row in run.rows(None, PROBLEMS)] == 5 * ["train"] + 3 * ["validation"] + 3 * ["test"]
    assert list(run.rows(7, "exam.jsonl")) == []


def test_a_stopped_run_tells_how_it_goes_on(tmp_path):
    root = tmp_path / "a run"
    with pytest.raises(Stopped):
        at_work(root, stopped_at=3)
    run = open_run(root)
    assert (run.state, run.result, len(run.rounds)) == ("stopped", None, 1)
    assert run.command == f"tutelage run '{root}/config.yaml' --out '{root}'"
    mark = json.loads((root / "run.json").read_text())
    del mark["seal"]
    write_json(root / "run.json", {**mark, "parts": {"teacher": "mine 1"}})
    assert open_run(root).command is None  # only the program that began it has this teacher


def test_what_is_no_run_is_told_by_what_it_is(finished, tmp_path):
    root, study, file, empty, shelf = (tmp_path / name for name in ("run", "study", "file", "empty", "shelf"))
    file.write_text("{}")
    empty.mkdir()
    shutil.copytree(finished[0], study / "runs" / "full" / "seed-0")
    shutil.copytree(finished[0], shelf / "mine")
    kinds = {tmp_path / "gone": "nothing", file: "file", empty: "empty", study: "study", shelf: "folder"}
    assert {path: kind_of(path) for path in kinds} == kinds
    for path, words in {
        tmp_path / "gone": "there is nothing; `tutelage run CONFIG --out",
        file: "not a run directory, but a file",
        empty: "it is empty; `tutelage run",
        study: f"but a study's; its runs are {study}/runs/full/seed-0",
        shelf: f"its runs are {shelf}/mine",
    }.items():
        with pytest.raises(RunError) as error:
            open_run(path)
        assert words in str(error.value)
        assert "\n" not in str(error.value)
    assert kind_of(shutil.copytree(finished[0], root)) == "run"


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ("{", "cannot read"),
        ("[]", "does not hold an object"),
        ('{"name": "of a web site"}', "is not the run.json of a run"),
        ('{"format": 99, "id": "a", "data": "b"}', "was written by a newer Tutelage"),
        ('{"format": 1, "id": "a", "data": "b", "seal": "c"}', "has changed since it was written"),
        ("\udcff", "cannot read"),
    ],
)
def test_a_foreign_broken_or_newer_mark_is_one_line(copied, mark, words):
    (copied / "run.json").write_bytes(mark.encode(errors="surrogateescape"))
    with pytest.raises(RunError, match=words):
        open_run(copied)


@pytest.mark.parametrize("how", [*HOW, "gone", "folder", "empty", "deep"])
def test_whatever_becomes_of_a_file_the_rest_is_read(copied, finished, how):
    """Every file in turn."""
    import random

    for name in texts(finished[0]):
        path, text = copied / name, (copied / name).read_text()
        path.unlink()
        if how in HOW:
            path.write_text(damaged(text, how, 3, random.Random(0)))
        elif how == "folder":
            path.mkdir()
        elif how in ("empty", "deep"):
            path.write_text("" if how == "empty" else "[" * 10**5)
        run = RunReader(copied)
        assert all(isinstance(row, RoundResult) for row in run.rounds)
        assert len(run.rounds) >= 2
        assert sum(1 for number in run.folders for _ in run.rows(number, "exam.jsonl")) >= 9
        assert all("\n" not in fault for fault in run.faults)
        assert name != "config.yaml" or how == "gone" or run.sittings
        if name == "result.json" and how in ("empty", "torn"):
            assert run.result is None
            assert str(path) in " ".join(run.faults)
        remove = shutil.rmtree if path.is_dir() else os.unlink
        if path.exists():
            remove(path)
        path.write_text(text)


def test_a_row_that_is_being_written_is_left_out(copied):
    path = copied / "round-01" / "exam.jsonl"
    path.write_bytes(path.read_bytes() + b'{"problem_id": "half a')
    assert len(list(open_run(copied).rows(1, "exam.jsonl"))) == 10


def test_a_run_at_work_tells_what_it_does_until_nobody_writes_it(copied):
    now = Now(time.time(), 1, "round 1: exam", "problems", 3, 5)
    write_json(copied / NOW, now)
    assert open_run(copied).now == now
    assert (open_run(copied).state, open_run(copied).command) == ("at work", None)
    os.utime(copied / NOW, (time.time() - AT_WORK - 1,) * 2)
    assert open_run(copied).state == "finished"
    (copied / NOW).write_text('{"at": "soon')
    assert open_run(copied).now is None


def test_a_run_writes_what_it_is_doing_and_takes_it_away(tmp_path):
    root, seen = tmp_path / "run", list[Now | None]()

    class Looking(Show):
        def say(self, text: str) -> None:
            assert self._now is not None
            self._now.write()
            seen.append(open_run(root).now)

    at_work(root, Looking(quiet=True))
    assert seen
    assert all(now is not None and now.pid == os.getpid() for now in seen)
    assert not (root / NOW).exists()
    assert asdict(open_run(root).result)["rounds"]
