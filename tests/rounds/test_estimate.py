"""What `estimate` says before, and what an endpoint charged afterwards."""

import pytest

from tests.teacher.grading import grade
from tutelage.config import RunConfig
from tutelage.config.file import parse_config
from tutelage.records import Attempt, Exam, FeedbackRequest, Usage, Verdict
from tutelage.rounds.estimate import estimate
from tutelage.rounds.requests import annotation_requests, feedback_requests
from tutelage.tasks.catalog import open_task
from tutelage.tasks.task import Task
from tutelage.teacher.online.openai_teacher import OpenAITeacher
from tutelage.testing import TeacherEndpoint, answer_key_reply


def settings(**teacher: object) -> RunConfig:
    price = {"prompt": 1.0, "completion": 4.0}
    return parse_config(
        {
            "task": {"name": "leg_counting", "train": 12, "validation": 2, "test": 2},
            "teacher": {"kind": "openai", "model": "m", "price": price, "ask": "mistake", **teacher},
            "rounds": {"max": 2},
        }
    )


def charged(config: RunConfig, task: Task, asked: list[FeedbackRequest], reply, folder) -> Usage:
    with TeacherEndpoint(reply) as endpoint:
        teacher = config.teacher.model_copy(update={"base_url": endpoint.base_url})
        ledger = folder / "ledger.sqlite"
        OpenAITeacher(teacher, kind=task.kind, grade=grade, ledger=ledger, run_id="r", environ={}).teach(
            asked, lambda _: None
        )
    prompt, completion = (
        sum(getattr(seen, name) for seen in endpoint.log) for name in ("prompt_tokens", "completion_tokens")
    )
    return Usage(len(endpoint.log), prompt, completion, (prompt + 4 * completion) / 1e6)


def within(least: Usage, real: Usage, most: Usage) -> bool:
    figures = ("requests", "prompt_tokens", "completion_tokens", "cost_usd")
    return all(getattr(least, name) <= getattr(real, name) <= getattr(most, name) for name in figures)


@pytest.mark.parametrize(
    "teacher", [{}, {"rationales_per_problem": 2}, {"self_consistency": 3}], ids=["plain", "two each", "three agree"]
)
@pytest.mark.parametrize("good", [True, False], ids=["all right", "all wrong"])
def test_round_0_costs_what_was_said(tmp_path, teacher, good):
    config = settings(**teacher)
    task = open_task(config.task)
    problems = task.problems("train")
    reply = answer_key_reply(problems) if good else lambda _: "It is so. The answer is -1."
    real = charged(config, task, annotation_requests(problems, config.teacher, config.seed), reply, tmp_path)
    bound = estimate(config, task)[0]
    assert within(bound.least, real, bound.most), (bound, real)
    # The bounds are reached where they can be: nobody asks less often than once, or more often than twice.
    assert real.requests == (bound.least if good else bound.most).requests


def test_a_later_round_costs_what_was_said(tmp_path):
    config = settings(replies_per_problem=2)
    task = open_task(config.task)
    mistake = "There are 3 cows and 2 hens. They have 3 + 2 = 5 legs. " * 6
    asked = [FeedbackRequest(problem, mistake + str(n), n) for problem in task.problems("train") for n in range(2)]
    real = charged(config, task, asked, lambda _: "It is so. The answer is -1.", tmp_path)
    bounds = estimate(config, task)
    assert [bound.round for bound in bounds] == [0, 1, 2]
    assert bounds[1].least == Usage()
    assert within(bounds[1].least, real, bounds[1].most)
    assert real.requests == bounds[1].most.requests == 2 * 2 * 12


def test_a_limit_on_the_replies_of_a_round_limits_its_cost():
    config = settings(replies_per_problem=2, replies_per_round=5)
    bounds = estimate(config, open_task(config.task))
    assert bounds[0].most.requests == 2 * 12
    assert bounds[1].most.requests == 2 * 5


def test_without_the_mistake_in_view_as_many_are_asked_for_as_are_wanted():
    config = settings(replies_per_problem=9, ask="question")
    assert estimate(config, open_task(config.task))[1].most.requests == 2 * 9 * 12


def test_a_problem_with_nothing_but_cuts_is_asked_about_as_often_as_is_wanted_however_few_its_attempts(tmp_path):
    config = settings(replies_per_problem=9)
    task, n = open_task(config.task), config.exam.samples
    assert n < 9
    cut = Verdict(False, None, "has no answer")
    problems = task.problems("train")
    attempts = tuple(Attempt(each.id, k, "So", cut, "length", 2) for each in problems for k in range(n))
    asked = feedback_requests(problems, Exam(attempts), config.teacher, [], "0", attempts)
    assert len(asked) == 9 * 12
    real = charged(config, task, asked, lambda _: "It is so. The answer is -1.", tmp_path)
    bound = estimate(config, task)[1]
    assert real.requests == bound.most.requests
    assert within(bound.least, real, bound.most)


def test_offline_it_costs_nothing():
    config = settings(kind="answer_key")
    assert {(bound.most.prompt_tokens, bound.most.cost_usd) for bound in estimate(config, open_task(config.task))} == {
        (0, 0.0)
    }
