"""Whole studies of a tiny real student: every part real, nothing learnt.

Figures of two studies are equal on one machine; another may round otherwise.
"""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from tests.studies.small import ARMS, BASE, ROUND_0, timeless
from tutelage import api
from tutelage.config.file import parse_config
from tutelage.errors import RunError, TutelageError
from tutelage.report.progress import Show
from tutelage.runs.files import read_record
from tutelage.runs.finished import read_result
from tutelage.studies.aggregate import gather
from tutelage.studies.running import run_seed, run_study
from tutelage.studies.study_file import Study, load_study
from tutelage.study_records import StudyFigures
from tutelage.tasks.catalog import open_task
from tutelage.testing import answer_key_endpoint

pytestmark = pytest.mark.slow
QUIET = Show(quiet=True)


@pytest.fixture
def copied(whole, tmp_path) -> Path:
    """A whole study of this test's own."""
    return shutil.copytree(whole, tmp_path / "out")


def test_a_whole_study(whole):
    written = json.loads((whole / "study.json").read_text())
    assert list(written["arms"]) == ["untrained", "full", "multi-round", "one-round-same-budget"]
    for arm in written["arms"].values():
        assert arm.keys() >= {"seeds", "test", "teacher_replies", "seconds"}
        assert arm["seeds"] == 2
        assert arm["test"].keys() == {"mean", "low", "high"}
        assert [len(run["right"]) for run in arm["runs"]] == [6, 6]
    assert len(written["comparisons"]) == 6
    assert all(row.keys() >= {"a", "b", "difference", "low", "high", "p"} for row in written["comparisons"])
    full, same = written["arms"]["full"], written["arms"]["one-round-same-budget"]
    assert same["teacher_replies"] == full["teacher_replies"] == 10  # five in round 0, five mistakes
    assert same["rows"] == full["rows"] == 15  # round 1 learns round 0's rationales again
    assert read_record(whole / "study.json", StudyFigures).arms["full"].seeds == 2
    assert (whole / "study.md").read_text().startswith("#")
    assert {plot.name for plot in whole.glob("*.png")} >= {"test.png", "validation-by-round.png"}
    taught = [arm for arm in ARMS if arm != "untrained"]
    assert all((whole / "runs" / arm / "seed-0" / "round-00" / "examples.jsonl").exists() for arm in taught)


def test_runs_share_round_0_and_the_exam_on_it(whole):
    def entry(arm: str, round: int, stage: str) -> tuple[float, int]:
        result = read_result(whole / "runs" / arm / "seed-0")
        assert result is not None
        work = (result.rounds[round] if round >= 0 else result).work[stage]
        return work.seconds, work.peak_memory  # measured: equal by chance never

    for round, stage in [(0, "training"), (0, "evaluation"), (1, "exam"), (-1, "test-before")]:
        assert entry("full", round, stage) == entry("multi-round", round, stage)
    assert entry("full", 1, "training") != entry("multi-round", 1, "training")


class Stopped(Exception):
    """Stands for a kill."""


class StopsInTheSecondRun(Show):
    """Stops when it is told of round 1 for the second time."""

    told = 0

    def say(self, text: str) -> None:
        self.told += text.startswith("round 1:") and text.endswith("validation problems")
        if self.told == 2:
            raise Stopped


def test_a_study_that_was_stopped_goes_on_and_keeps_its_students_where_asked_to(write, whole, tmp_path):
    study, out = load_study(write(seeds=[0], keep_students=True)), tmp_path / "out"
    with pytest.raises(Stopped):
        run_study(study, out, 1, StopsInTheSecondRun(quiet=True))
    first, second = (out / "runs" / arm / "seed-0" for arm in ("full", "multi-round"))
    written = (first / "result.json").stat().st_mtime_ns
    assert (second / "round-01" / "result.json").exists()
    assert not (second / "result.json").exists()
    assert run_study(study, out, 1, QUIET) == []
    assert (first / "result.json").stat().st_mtime_ns == written
    kept = {path.parent.name for path in (out / "runs").rglob("*.safetensors")}
    assert kept == {"model", "student"}
    assert not list((whole / "runs").rglob("*.safetensors"))
    trained = json.loads((whole / "runs/full/seed-0/round-01/stages.json").read_text())["training"]
    assert trained["done"], "a model that goes takes no figures with it"
    assert trained["work"]
    stopped, never = (gather(study, folder, "") for folder in (out, whole))
    assert timeless(stopped) == timeless(never)


BROKE = {"teacher": {"kind": "recorded", "path": "no/such/file.jsonl"}}


def test_a_run_that_fails_leaves_the_others(write, tmp_path):
    arms = {"dear": {"student": {"few_shot": 50}}, "full": None, "broke": BROKE}
    out = tmp_path / "out"
    faults = api.study(write(ROUND_0, seeds=[0], arms=arms), out)
    assert [fault.partition(":")[0] for fault in faults] == ["dear, seed 0", "broke, seed 0"]
    assert "few_shot is 50" in faults[0]
    assert list(json.loads((out / "study.json").read_text())["arms"]) == ["full"]


def test_what_a_failed_run_is_matched_to_is_not_run(write, tmp_path):
    study = load_study(write(seeds=[0], arms={"full": None, "one-round": None}))
    broken = study.base.model_copy(update={"student": study.base.student.model_copy(update={"few_shot": 50})})
    study = Study(study.name, "", broken, [0], study.arms, [], False, 10**9)
    faults = run_seed(study, tmp_path / "out", 0, QUIET)
    assert faults[1] == "one-round, seed 0: not run, since full has no result to match"
    with pytest.raises(TutelageError):
        load_study(tmp_path / "nowhere.yaml")


def test_replies_are_bought_once_and_counted_for_every_arm(write, tmp_path, monkeypatch):
    monkeypatch.setenv("KEY_OF_TEST", "x")
    with answer_key_endpoint(open_task(parse_config(BASE).task).problems("train")) as endpoint:
        teacher = {
            "kind": "openai",
            "model": "teacher",
            "base_url": endpoint.base_url,
            "key_env": "KEY_OF_TEST",
            "price": {"prompt": 1.0, "completion": 2.0},
        }
        path = write({"teacher": teacher}, seeds=[0], arms={"full": None, "multi-round": None})
        api.study(path, tmp_path / "out")
        asked = len(endpoint.requests)
    arms = read_record(tmp_path / "out" / "study.json", StudyFigures).arms
    assert arms["full"].teacher_replies == arms["multi-round"].teacher_replies == asked
    assert arms["full"].usd == pytest.approx(arms["multi-round"].usd)
    assert arms["full"].usd > 0


def test_a_study_goes_on_wherever_it_lies(write, copied):
    """Another place than it was run in."""
    results = {path: path.stat().st_mtime_ns for path in copied.rglob("result.json")}
    assert results
    assert api.study(write(), copied) == []
    assert {path: path.stat().st_mtime_ns for path in copied.rglob("result.json")} == results


def test_a_student_that_is_not_taught_is_tested_once(write, tmp_path, monkeypatch):
    teacher = {"kind": "openai", "model": "teacher", "key_env": "KEY_OF_TEST"}
    path = write({"teacher": teacher}, seeds=[0], arms={"untrained": None})
    monkeypatch.setenv("KEY_OF_TEST", "x")
    assert api.study(path, tmp_path / "out") == []
    monkeypatch.delenv("KEY_OF_TEST")  # so that nothing but reading is possible
    assert api.study(path, tmp_path / "out") == []


@pytest.mark.parametrize("arm", ["untrained", "full"])
def test_runs_that_have_ended_on_other_problems_are_refused(write, tmp_path, arm):
    rows = [{"question": f"What is {n} and {n}?", "answer": str(2 * n)} for n in range(2, 16)]
    file = tmp_path / "mine.jsonl"
    task = {"name": "custom", "path": str(file), "train": 4, "validation": 3, "test": 3, "options": {}}
    path = write({"task": task, "teacher": {"kind": "answers"}, "rounds": {"max": 0}}, seeds=[0], arms={arm: None})
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert api.study(path, tmp_path / "out") == []
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows[1:]))
    with pytest.raises(RunError, match=rf"{arm}, seed 0: the problems of .* have changed since it began"):
        api.study(path, tmp_path / "out")


def test_where_no_run_has_ended_the_figures_stay_as_they_were(write, copied):
    before = (copied / "study.json").read_text()
    path = write({"training": {"learning_rate": 2e-3}}, seeds=[0], arms={"full": None})
    with pytest.raises(RunError, match=r"no run of the study has ended: full, seed 0: .*other settings"):
        api.study(path, copied)
    assert (copied / "study.json").read_text() == before


def test_a_fault_of_ours_costs_its_own_run_alone(write, tmp_path, capsys):
    study = load_study(write(ROUND_0, seeds=[0], arms={"mine": {"training": {"epochs": 2}}, "full": None}))

    def broken(config):
        raise ZeroDivisionError("a bug")

    arm = dataclasses.replace(study.arms["mine"], change=broken)
    study = dataclasses.replace(study, arms={**study.arms, "mine": arm})
    assert run_study(study, tmp_path / "out", 1, Show(bars=False)) == ["mine, seed 0: ZeroDivisionError: a bug"]
    assert "in broken" in capsys.readouterr().err  # its traceback
    assert (tmp_path / "out" / "runs" / "full" / "seed-0" / "result.json").exists()


def test_a_place_where_nothing_can_be_written_is_refused_before_anything_is_run(write, tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(RunError, match=r"cannot write .*; choose another place for it"):
            api.study(write(), out)


def test_kinds_of_mistake_are_those_of_validation_after_every_round(whole):
    """Round 0 has no exam, and the last round's student sits none: validation knows both."""
    for arm in read_record(whole / "study.json", StudyFigures).arms.values():
        for run in arm.runs:
            for row in run.rounds:
                wrong = round(3 * (1 - row.validation))
                assert 0 < sum(row.mistakes.values()) <= wrong


def test_each_run_says_what_it_ran_on(whole):
    figures = read_record(whole / "study.json", StudyFigures)
    (run, _) = figures.arms["full"].runs
    assert figures.machine == run.machine
    assert figures.versions == run.versions
    assert "torch" in run.machine
    assert run.versions.startswith("python 3")
    assert all(run.seconds > 0 for run in figures.arms["untrained"].runs)
