import json
import os
import shutil
import time
from pathlib import Path

import pytest

from tests.report.figures import study
from tests.studies.conftest import whole
from tutelage.runs.files import write_json
from tutelage.runs.finished import read_result
from tutelage.studies.figures import read_figures
from tutelage.view.study import read_study

__all__ = ["whole"]


@pytest.fixture
def copied(whole, tmp_path) -> Path:
    """The small study, to be changed by a test; its models are not needed."""
    return Path(shutil.copytree(whole, tmp_path / "trial", ignore=shutil.ignore_patterns("model", "student", "cache")))


def test_a_study_is_shown_by_its_figures_with_the_runs_below_it(whole):
    facts, figures = read_study(whole), read_figures(whole / "study.json")
    assert facts.written
    assert not facts.faults
    assert facts.pairs == figures.comparisons
    assert ("Problems", "5 train, 3 validation, 6 test") in facts.about
    assert [(arm.name, arm.test, arm.replies) for arm in facts.arms] == [
        (name, arm.test, arm.teacher_replies) for name, arm in figures.arms.items()
    ]
    full = next(arm for arm in facts.arms if arm.name == "full")
    assert [(run.seed, run.folder, run.state) for run in full.runs] == [
        (seed, whole / f"runs/full/seed-{seed}", "finished") for seed in (0, 1)
    ]
    assert full.runs[1].test == read_result(whole / "runs/full/seed-1").test.after.accuracy


def test_a_study_without_figures_is_shown_by_the_runs_that_have_finished(copied):
    figures = read_figures(copied / "study.json")
    (copied / "study.json").unlink()
    (copied / "runs/full/seed-1/result.json").unlink()
    facts = read_study(copied)
    assert not facts.written
    assert not facts.faults
    arms = {arm.name: arm for arm in facts.arms}
    assert arms.keys() == figures.arms.keys()
    assert arms["multi-round"].test == figures.arms["multi-round"].test
    assert arms["untrained"].test == figures.arms["untrained"].test
    assert {run.note for run in arms["untrained"].runs} == {"evaluated as it came"}
    assert [(run.state, run.test is None) for run in arms["full"].runs] == [("finished", False), ("stopped", True)]
    assert {(pair.a, pair.b): pair.seeds for pair in facts.pairs}["full", "multi-round"] == 1
    untouched = next(pair for pair in figures.comparisons if {pair.a, pair.b} == {"multi-round", "untrained"})
    found = next(pair for pair in facts.pairs if {pair.a, pair.b} == {"multi-round", "untrained"})
    assert (found.p, abs(found.difference)) == (untouched.p, abs(untouched.difference))


def test_a_run_that_has_come_since_the_figures_is_listed(copied):
    shutil.copytree(copied / "runs/full/seed-1", copied / "runs/full/seed-7")
    shutil.copytree(copied / "runs/full/seed-1", copied / "runs/other/seed-0")
    facts = read_study(copied)
    assert [run.seed for run in facts.arms[1].runs] == [0, 1, 7]
    assert facts.arms[1].seeds == 2
    assert [(arm.name, arm.seeds) for arm in facts.arms][-1] == ("other", 1)


def test_a_run_at_work_is_told_from_one_that_was_stopped(copied):
    now = {"at": time.time(), "pid": os.getpid(), "title": "round 1: exam", "done": 2, "total": 12, "began": 0.0}
    now |= {"units": "attempts"}
    (copied / "study.json").unlink()
    (copied / "runs/full/seed-0/now.json").write_text(json.dumps(now))
    assert [run.state for run in read_study(copied).arms[0].runs] == ["at work", "finished"]


def test_figures_alone_are_a_study(tmp_path):
    write_json(tmp_path / "study.json", study(["untrained", "full", "preference"], seeds=2))
    facts = read_study(tmp_path)
    assert facts.written
    assert {run.state for arm in facts.arms for run in arm.runs} == {"not here"}
    assert len(facts.arms[1].runs[0].validation) == 4


@pytest.mark.parametrize("content", ["", "{", "[]", '{"arms": 3}', '{"name": "x", "arms": {}}', "\ud800"])
def test_broken_figures_are_said_and_the_runs_are_shown(copied, content):
    (copied / "study.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    facts = read_study(copied)
    assert not facts.written
    assert "study.json" in facts.faults[0]
    assert len(facts.arms) == 4


def test_a_broken_run_is_said_beside_the_others(copied):
    (copied / "study.json").unlink()
    run = copied / "runs/full/seed-0"
    (run / "run.json").write_text(json.dumps({"format": 99, "id": "x", "data": "y"}))
    (copied / "runs/multi-round/seed-0/test-after.jsonl").write_text("{}\n")
    arms = {arm.name: arm for arm in read_study(copied).arms}
    assert [each.state for each in arms["full"].runs] == ["unreadable", "finished"]
    assert "newer Tutelage" in arms["full"].runs[0].note
    assert arms["multi-round"].test is not None


def test_an_empty_folder_has_no_arms(tmp_path):
    assert read_study(tmp_path).arms == []
