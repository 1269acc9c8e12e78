"""A run at a glance, of real runs whose student is a function of what it was taught."""

import json
import shutil
import time
from collections import Counter

import pytest

from tests.runs.test_changed_files import Stopped, at_work, finished
from tutelage.records import Feedback, Usage, Verdict
from tutelage.run_records import Now, TeacherSummary
from tutelage.runs.files import append_rows, write_json
from tutelage.runs.now import NOW
from tutelage.runs.reader import open_run
from tutelage.view import spent as module
from tutelage.view.glance import glance
from tutelage.view.spent import Spent, spent_by, spent_in

__all__ = ["finished"]


def test_a_finished_run(finished):
    root, result = finished
    found = glance(open_run(root))
    assert (found.name, found.state, found.doing, found.command) == ("run", "finished", None, None)
    assert [row.validation for row in found.rounds] == [row.validation for row in result.rounds]
    assert found.rounds[0].pass_rate is None
    assert found.rounds[1].pass_rate == result.rounds[1].exam.pass_rate
    assert found.rounds[1].attempts == 10
    assert (found.ended_because, found.best_round) == (result.stopped_because, result.best_round)
    assert found.test == result.test
    assert found.requests == sum(row.requests for row in result.teaching)
    assert (found.max_rounds, found.usd, found.faults) == (2, 0.0, ())
    assert "rounds.max" in {setting.key for setting in found.settings}


def test_a_run_that_stopped_counts_what_its_unfinished_round_has_cost(tmp_path):
    root = tmp_path / "run"
    with pytest.raises(Stopped):
        at_work(root, stopped_at=3)
    before = glance(open_run(root))
    assert (before.state, before.test, len(before.rounds)) == ("stopped", None, 1)
    assert before.command
    lost = Feedback("p", 0, "2", "", Verdict(False, None, ""), Usage(2, 10, 5, 0.5), failure="time-out")
    append_rows(root / "round-01" / "feedback.jsonl", [lost])
    with (root / "round-01" / "feedback.jsonl").open("a") as file:
        file.write('[1]\n{"usage": 7}\n{"usage": {"requests": 9')
    after = glance(open_run(root))
    assert (after.requests - before.requests, after.tokens, after.usd) == (2, 15, 0.5)
    assert after.failures == {"time-out": 1}


def test_a_run_at_work_tells_what_it_does_and_how_long_it_takes(finished, tmp_path):
    root = shutil.copytree(finished[0], tmp_path / "run")
    (root / "result.json").unlink()
    at = time.time()
    write_json(root / NOW, Now(at, 7, "round 2: exam", "problems", 30, 120, at - 60, 0.5, 900, 15.0))
    found = glance(open_run(root))
    assert found.state == "at work"
    assert found.doing is not None
    assert (found.doing.share, found.doing.left, found.doing.rate, found.doing.tokens_rate) == (0.25, 180, 0.5, 15)
    assert found.doing.seconds == pytest.approx(60)
    assert (found.command, found.ended_because) == (None, None)
    write_json(root / NOW, Now(at, 7))
    idle = glance(open_run(root)).doing
    assert idle is not None
    assert (idle.title, idle.share, idle.left) == ("between two stages", 0.0, None)


def test_the_caps_are_those_that_are_set(finished, tmp_path):
    root = shutil.copytree(finished[0], tmp_path / "run")
    config = root / "config.yaml"
    config.write_text(config.read_text().replace("    usd: null", "    usd: 2.5"))
    assert glance(open_run(root)).caps == {"usd": 2.5}
    config.write_text("task: [")
    found = glance(open_run(root))
    assert (found.caps, found.settings, found.max_rounds) == ({}, (), None)
    assert str(config) in found.faults[0]


def test_a_table_is_counted_once_whatever_its_blocks(tmp_path, monkeypatch):
    path, reasons = tmp_path / "feedback.jsonl", ("time-out", "wrong answer", None)
    rows = [
        Feedback("p", n, None, "ü" * (n % 40), Verdict(False, None, ""), Usage(1, n, 1, 0.25), failure=reasons[n % 3])
        for n in range(60)
    ]
    append_rows(path, rows)
    expected = Spent(60, sum(range(60)) + 60, 15.0, Counter({"time-out": 20, "wrong answer": 20}))
    for block in (1, 300, 1000, 2**20):
        monkeypatch.setattr(module, "BLOCK", block)
        module._block.cache_clear()
        assert spent_in(tmp_path) == expected
        append_rows(path, rows[:1])
        assert spent_in(tmp_path).requests == 61  # what was added is seen
        path.write_text("".join(json.dumps(json.loads(line)) + "\n" for line in path.read_text().splitlines()[:60]))
    assert spent_in(tmp_path / "gone") == Spent()
    assert spent_by([TeacherSummary(3, 2, 10, 5, 0.5, {"quota": 1})]) == Spent(3, 15, 0.5, Counter(quota=1))
