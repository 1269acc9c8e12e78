"""The student as its own teacher: a real one that writes noise, judged by a coin."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.rounds.coin import SPLITS, CoinTask, noisy_student
from tutelage.config import ExamConfig
from tutelage.config.file import parse_config
from tutelage.records import Attempt, Feedback, FeedbackRequest, Problem, TrainingExample
from tutelage.report.progress import Show
from tutelage.rounds.context import RunContext
from tutelage.rounds.loop import run_rounds
from tutelage.rounds.star import SelfTeacher
from tutelage.rounds.training_key import what_matters
from tutelage.runs.directory import Run
from tutelage.runs.files import read_rows
from tutelage.student.student import Student
from tutelage.tasks.task import task_digest

SETTINGS = ExamConfig(samples=3, max_new_tokens=12)
PROBLEMS = SPLITS["train"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("students") / "noisy"


@pytest.fixture
def asked(monkeypatch):
    """What the student is asked during the test, in order: (worked examples, problem, completions)."""
    seen, answer = [], Student.answer

    def watched(self, problems, seeds, settings, answered):
        given = {}
        cost = answer(self, problems, seeds, settings, given.setdefault)
        for place, problem in enumerate(problems):
            seen.append((self.examples, problem, given[place]))
            answered(place, given[place])
        return cost

    monkeypatch.setattr(Student, "answer", watched)
    return seen


def taught(folder: Path, requests: list[FeedbackRequest], one_in: int = 4, seed: int = 0) -> list[Feedback]:
    replies: list[Feedback] = []
    SelfTeacher(noisy_student(folder), CoinTask(one_in), SETTINGS, seed).teach(requests, replies.append)
    assert len(replies) == len(requests)
    order = {(request.problem.id, request.sample, request.mistake): n for n, request in enumerate(requests)}
    return sorted(replies, key=lambda reply: order[reply.problem_id, reply.sample, reply.mistake])


def first_right(task: CoinTask, problem: Problem, completions) -> str | None:
    right = (c.text.strip() for c in completions if c.finish == "stop" and task.grade(problem, c.text).correct)
    return next(right, None)


def test_the_first_right_attempt_is_kept_and_a_hint_given_only_where_there_is_none(folder, asked):
    task, requests = CoinTask(4), [FeedbackRequest(problem) for problem in PROBLEMS]
    replies = taught(folder, requests)
    plain, hinted = asked[: len(PROBLEMS)], asked[len(PROBLEMS) :]
    assert [problem for _, problem, _ in plain] == PROBLEMS
    kept = [first_right(task, problem, given) for _, problem, given in plain]
    failed = [problem for problem, text in zip(PROBLEMS, kept, strict=True) if text is None]
    assert 0 < len(failed) < len(PROBLEMS)
    assert [problem.question for _, problem, _ in hinted] == [
        f"{problem.text}\nHint: the answer is {problem.answer}." for problem in failed
    ]
    second = {p.id: first_right(task, p, given) for p, (_, _, given) in zip(failed, hinted, strict=True)}
    expected = [second[p.id] if text is None else text for p, text in zip(PROBLEMS, kept, strict=True)]
    assert [reply.text if reply.verdict.correct else None for reply in replies] == expected
    assert any(second.values())  # the hint has brought some
    assert not any("Hint" in reply.text for reply in replies)
    assert all(reply.usage.requests == 0 and not reply.keys for reply in replies)  # nobody is paid


def test_it_is_asked_behind_the_worked_examples_of_the_task_which_have_a_hint_where_it_has_one(folder, asked):
    taught(folder, [FeedbackRequest(PROBLEMS[0]), FeedbackRequest(PROBLEMS[1], "no idea")])
    (example,) = CoinTask().examples
    hint = replace(example, question="2 + 2?\nHint: the answer is 4.")
    for examples, problem, _ in asked:
        assert list(examples) == [hint if "Hint" in problem.question else example]


def test_with_a_mistake_in_view_it_has_the_hint_at_once(folder, asked):
    taught(folder, [FeedbackRequest(problem, "It is 0.") for problem in PROBLEMS[:3]])
    assert [problem.question.partition("\n")[0] for _, problem, _ in asked] == [p.text for p in PROBLEMS[:3]]
    assert all("Hint: the answer is" in problem.question for _, problem, _ in asked)
    assert not any("It is 0." in problem.question for _, problem, _ in asked)


def test_what_it_writes_does_not_depend_on_what_else_is_asked(folder):
    requests = [FeedbackRequest(problem) for problem in PROBLEMS]
    requests += [FeedbackRequest(problem, "It is 0.", 1) for problem in PROBLEMS[:3]]
    whole = taught(folder, requests)
    assert taught(folder, requests) == whole
    rest = requests[3:]  # what a run that goes on still has to ask
    assert taught(folder, rest) == whole[3:]
    assert taught(folder, requests[::-1]) == whole[::-1]
    assert taught(folder, requests, seed=1) != whole


def test_each_request_for_a_problem_gets_attempts_of_its_own(folder, asked):
    requests = [FeedbackRequest(PROBLEMS[0], None, sample) for sample in range(3)]
    requests += [FeedbackRequest(PROBLEMS[0], mistake, 0) for mistake in ("It is 0.", "It is 5.")]
    taught(folder, requests, one_in=1)
    assert len({tuple(completion.text for completion in given) for _, _, given in asked}) == len(asked) >= 5


def test_where_it_fails_with_the_hint_too_the_request_is_rejected(folder):
    requests = [FeedbackRequest(PROBLEMS[0]), FeedbackRequest(PROBLEMS[1], "It is 0.", 2)]
    replies = taught(folder, requests, one_in=0)
    assert [(r.problem_id, r.sample, r.mistake) for r in replies] == [
        (PROBLEMS[0].id, 0, None),
        (PROBLEMS[1].id, 2, "It is 0."),
    ]
    for reply in replies:
        assert (reply.text, reply.verdict.correct, reply.failure) == ("", False, "wrong answer")
        assert "not even with a hint" in reply.verdict.reason


def test_nothing_is_asked_where_nothing_is_wanted(folder, asked):
    assert taught(folder, []) == []
    assert asked == []


def ctx(folder: Path, root: Path, rounds: int) -> RunContext:
    """A run that is taught by its own student, every round anew (STaR)."""
    task, student = CoinTask(3), noisy_student(folder)
    config = parse_config(
        {
            "task": {"name": "coin"},
            "student": {"model": str(folder), "device": "cpu", "dtype": "float32"},
            "teacher": {"kind": "student"},
            "exam": {"samples": 3, "max_new_tokens": 12},
            "evaluation": {"max_new_tokens": 12},
            "training": {
                "rejection_sampling": "train",
                "init_from": "untrained",
                "reflection": "none",
                "epochs": 1,
                "batch_size": 4,
                "learning_rate": 1e-3,
            },
            "rounds": {"max": rounds, "patience": 3},
        }
    )
    return RunContext(config, Run.open(root, config, task_digest(task)), task, None, student, Show(quiet=True))


@pytest.mark.slow
def test_a_whole_run_that_begins_anew_in_every_round(folder, tmp_path):
    star = ctx(folder, tmp_path / "run", rounds=1)
    result = run_rounds(star)
    assert [row.teacher.cost_usd for row in result.rounds] == [0.0, 0.0]
    assert result.rounds[1].exam is not None
    last = tmp_path / "run" / "round-01"
    examples = read_rows(last / "examples.jsonl", TrainingExample)
    exam = read_rows(last / "exam.jsonl", Attempt)
    own = {(a.problem_id, a.text.strip()) for a in exam if a.verdict.correct and a.finish == "stop"}
    told = [*read_rows(last / "feedback.jsonl", Feedback)]
    told += read_rows(tmp_path / "run" / "round-00" / "annotation.jsonl", Feedback)
    rationales = {(reply.problem_id, reply.text) for reply in told if reply.verdict.correct}
    assert own
    assert rationales
    assert {(example.problem.id, example.anchor) for example in examples} == own | rationales
    assert not any("Hint" in example.problem.text for example in examples)

    again = tmp_path / "again"
    star.untrained.learn(
        examples,
        what_matters(star.config.training, examples),
        seed=1,
        checkpoints=tmp_path / "checkpoints",
        folder=again,
        advance=lambda _: None,
    )
    trained, expected = (load_file(model / "model.safetensors") for model in (last / "model", again))
    assert all(torch.equal(weight, expected[name]) for name, weight in trained.items())


@pytest.mark.slow
def test_a_teaching_that_was_stopped_half_way_ends_with_the_same_rationales(folder, tmp_path):
    run_rounds(ctx(folder, tmp_path / "run", rounds=0))
    path = tmp_path / "run" / "round-00" / "annotation.jsonl"
    whole = path.read_text().splitlines()
    path.write_text("".join(f"{line}\n" for line in whole[:3]))
    stages = path.with_name("stages.json")
    entries = json.loads(stages.read_text())
    entries["annotation"]["done"] = False
    stages.write_text(json.dumps(entries))
    run_rounds(ctx(folder, tmp_path / "run", rounds=0))
    assert sorted(path.read_text().splitlines()) == sorted(whole)
