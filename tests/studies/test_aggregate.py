"""What a study makes of the files of a run, from figures written by hand."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.teacher.ledger.rows import reply
from tutelage.config.file import dump_config
from tutelage.practice_records import Practice
from tutelage.records import Attempt, Feedback, Usage, Verdict
from tutelage.report.progress import Show
from tutelage.run_records import (
    Accuracy,
    BeforeAfter,
    ExamSummary,
    RoundResult,
    RunResult,
    StepRecord,
    TeacherSummary,
    TrainingSummary,
)
from tutelage.runs.files import read_json, write_json, write_rows, write_text
from tutelage.runs.seals import content_of
from tutelage.studies.aggregate import _usd, gather
from tutelage.studies.arms import changed
from tutelage.studies.running import configured, run_folder, run_seed
from tutelage.studies.study_file import Study, load_study
from tutelage.tasks.catalog import open_task
from tutelage.tasks.task import task_digest
from tutelage.teacher.ledger.ledger import Answered, Ledger

RIGHT, WRONG = Verdict(True, "1", ""), Verdict(False, "2", "2 is not 1")
SURE = Accuracy(0.5, 0.1, 0.9, 2)
STEPS = [
    StepRecord(1, 2.0, 0.0, 0, lm_gradient=9.0),  # no pair: self-reflection has nothing to say
    StepRecord(2, 1.0, 0.9, 2, 0.8, 0.6, lm_gradient=2.0, reflection_gradient=1.0, gradient_cosine=-0.5),
    StepRecord(3, 1.0, 0.7, 2, 0.6, 0.2),
    StepRecord(4, 1.0, 0.5, 1, 0.4, 0.1, lm_gradient=1.0, reflection_gradient=3.0, gradient_cosine=0.1),
]


@pytest.fixture
def study(tmp_path) -> Study:
    base = {"task": {"name": "leg_counting", "train": 2, "validation": 2, "test": 4}}
    (tmp_path / "trial.yaml").write_text(yaml.safe_dump({"base": base, "seeds": [0], "arms": {"full": None}}))
    return load_study(tmp_path / "trial.yaml")


def round_result(number: int, replies: int, seconds: float, collapse: str | None = None) -> RoundResult:
    training = TrainingSummary(4, 0, 1, 1, 0, 1.1, 1.0, 0.7, rows=10 * (number + 1), collapse=collapse)
    exam = ExamSummary(0.25, 3, 4) if number else None
    return RoundResult(number, SURE, exam, TeacherSummary(0, 0, 0, 0, 0.0, {}, replies), training, {}, seconds)


def write_run(study: Study, out: Path, result: RunResult) -> None:
    """The files of a finished run of `full` under seed 0."""
    folder, task = run_folder(out, "full", 0), open_task(study.base.task)
    write_json(folder / "run.json", {"format": 1, "id": "i", "data": task_digest(task)})
    write_text(folder / "config.yaml", dump_config(configured(study, study.arms["full"], 0, out, {})))
    write_json(folder / "result.json", result)
    verdicts = [RIGHT, WRONG, RIGHT, WRONG]
    problems = task.problems("test")
    answers = [Attempt(p.id, 0, "1.", verdict, "stop", 2) for p, verdict in zip(problems, verdicts, strict=True)]
    write_rows(folder / "test-after.jsonl", answers)
    write_rows(folder / "round-01" / "steps.jsonl", STEPS)
    taught = {"round-00/annotation": {"p": RIGHT, "q": WRONG}, "round-01/feedback": {"p": RIGHT, "r": RIGHT}}
    for name, replies in taught.items():
        write_rows(folder / f"{name}.jsonl", [Feedback(of, 0, None, "Text.", it) for of, it in replies.items()])


def test_figures_of_a_run_are_those_of_its_files(study, tmp_path):
    out, rounds = tmp_path / "out", (round_result(0, 6, 5.0), round_result(1, 4, 7.0, collapse="it fell"))
    unused = TeacherSummary(3, 0, 0, 0, 0.0, {}, 3)
    write_run(study, out, RunResult(rounds, 1, "no more", BeforeAfter(SURE, SURE), {}, 20.0, "here", "1", unused))
    arm = gather(study, out, "command").arms["full"]
    (run,) = arm.runs
    assert (run.right, run.best_round, run.stopped_because, run.seconds) == ("1010", 1, "no more", 20.0)
    assert [(row.replies, row.rows, row.seconds) for row in run.rounds] == [(6, 10, 5.0), (10, 30, 12.0)]
    assert (arm.teacher_replies, run.replies) == (13.0, 13)  # of the last round nothing could be learnt
    first, last = run.rounds
    assert (first.taught, last.taught) == (1, 2)
    assert (first.pass_rate, last.pass_rate) == (None, 0.25)
    assert (first.collapse, last.collapse) == (None, "it fell")
    assert last.reflection_loss == pytest.approx((0.9 + 0.7 + 0.5) / 3)
    assert (last.positive_similarity, last.negative_similarity) == (pytest.approx(0.6), pytest.approx(0.3))
    assert last.gradient_ratio == pytest.approx((1 / 2 + 3 / 1) / 2)
    assert last.gradient_cosine == pytest.approx(-0.2)
    assert (first.positive_similarity, first.gradient_ratio) == (None, None)


def test_finished_runs_that_have_read_other_files_are_left_out(study, tmp_path):
    out, recorded, said = tmp_path / "out", tmp_path / "recorded.jsonl", list[str]()
    teacher = {"kind": "recorded", "path": str(recorded), "fallback": "answer_key"}
    study = replace(study, base=changed(study.base, teacher=teacher))
    recorded.write_text('{"question": "1 + 1?", "rationale": "1 + 1 = 2"}\n')
    write_run(study, out, RunResult((round_result(0, 6, 5.0),), 0, "no more", BeforeAfter(SURE, SURE), {}, 20.0))
    folder, show = run_folder(out, "full", 0), Show(quiet=True)
    mark = read_json(folder / "run.json")
    write_json(folder / "run.json", {**mark, "pins": {"teacher.path": content_of(recorded)}})
    show.say = said.append
    assert gather(study, out, "").arms
    recorded.rename(tmp_path / "elsewhere")
    assert gather(study, out, "").arms, "what is gone is not compared"
    assert run_seed(study, out, 0, show) == []
    assert said[0].endswith(
        "as they were: its settings, its problems; not compared, since it cannot be read: teacher.path"
    )
    recorded.write_text('{"question": "1 + 1?", "rationale": "1 and 1 is 2"}\n')
    assert gather(study, out, "").arms == {}


def test_practice_problems_and_failed_requests_cost_as_all_others_do(study, tmp_path):
    out, folder = tmp_path / "out", run_folder(tmp_path / "out", "full", 0)
    rounds = (round_result(0, 6, 5.0), round_result(1, 4, 7.0))
    write_run(study, out, RunResult(rounds, 1, "no more", BeforeAfter(SURE, SURE), {}, 20.0))
    paid = [row.key for row in map(reply, range(4))]
    files = ["round-00/annotation", "round-00/failed", "round-01/feedback", "round-01/practice"]
    for name, key in zip(files, paid, strict=True):
        write_rows(folder / f"{name}.jsonl", [Practice("p", 0, None, "Text.", RIGHT, keys=(key,))])
    with Ledger(out / "ledger.sqlite") as ledger:
        ledger.write(*(Answered(f"t{number}", reply(number)) for number in range(4)))
    (run,) = gather(study, out, "").arms["full"].runs
    each = reply(0).usage.cost_usd
    assert [row.usd for row in run.rounds] == [2 * each, 4 * each]
    assert (run.usd, run.rounds[-1].taught) == (4 * each, 1)


def test_runs_on_other_problems_are_left_out(study, tmp_path):
    out = tmp_path / "out"
    write_run(study, out, RunResult((round_result(0, 6, 5.0),), 0, "no more", BeforeAfter(SURE, SURE), {}, 20.0))
    mark = run_folder(out, "full", 0) / "run.json"
    assert gather(study, out, "").arms
    write_json(mark, {"format": 1, "id": "i", "data": "of other problems"})
    assert gather(study, out, "").arms == {}


def test_a_reply_that_several_rounds_show_costs_once():
    def reply(*keys: str) -> Feedback:
        return Feedback("p", 0, None, "Text.", RIGHT, Usage(), keys)

    costs = {key: replace(Usage(), cost_usd=cost) for key, cost in (("a", 1.0), ("b", 0.5), ("c", 0.25))}
    counted = set[str]()
    assert _usd([reply("a"), reply("a", "b")], costs, counted) == 1.5
    assert _usd([reply("b"), reply("c"), reply("of another ledger")], costs, counted) == 0.25
