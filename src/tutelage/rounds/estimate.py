"""Bounds on the cost of a run's teacher, before any money is spent.

200 problems, one reply each     round 0: 200 to 400 requests; round 1: 0 to 400; …
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from tutelage.config import RunConfig
from tutelage.mistakes.near_duplicates import MAX_MISTAKE_BYTES
from tutelage.records import FeedbackRequest, Problem, Usage
from tutelage.rounds.requests import annotation_requests, longest_question
from tutelage.tasks.task import Task
from tutelage.teacher.online.budget import MOST_BYTES_PER_TOKEN, check_caps, least_for, most_for, most_for_practice
from tutelage.teacher.prompts import prompts_of
from tutelage.teacher_records import CostBound


def estimate(config: RunConfig, task: Task) -> list[CostBound]:
    """Bounds per round, without the caps of `teacher.budget`.

    Least: round 0 asks for every rationale once and all are right; no later round finds a mistake. Most: all problems
    are wrong in every exam, every reply is rejected in every way of asking, and all replies have the maximum length.
    With practice, all that are asked for are kept, are as long as they may be, and are failed, too.
    """
    teacher, problems = config.teacher, task.problems("train")
    shown, prompts = teacher.ask != "question", prompts_of(teacher, task.kind)
    mistake = "x" * _longest_mistake(config.exam.max_new_tokens) if shown else None
    first = annotation_requests(problems, teacher, config.seed)
    replies, mistakes = teacher.replies_per_problem, config.exam.samples  # where all were only cut, none is shown
    made = Problem.of("x" * longest_question(problems), "")

    def most(problem: Problem, sample: int = 0) -> Usage:
        request = FeedbackRequest(problem, mistake if sample < mistakes else None, sample)
        practice = most_for_practice(request, made, teacher, prompts) if teacher.practice else Usage()
        return most_for(request, teacher, prompts) + _times(practice, teacher.practice)

    wrong = (most(problem, sample) for problem in problems for sample in range(replies))
    dearest, of_practice = sorted(wrong, key=_size, reverse=True), most(made)
    later, known = list[Usage](), 0
    for _ in range(config.rounds.max):
        asked = (len(problems) + known) * replies
        asked = asked if teacher.replies_per_round is None else min(asked, teacher.replies_per_round)
        long = min(asked, known * replies)
        later.append(_sum(dearest[: asked - long]) + _times(of_practice, long))
        known += teacher.practice * asked
    return [
        CostBound(
            0,
            least=_sum(least_for(request, teacher, prompts) for request in first),
            most=_sum(most_for(request, teacher, prompts) for request in first),
        ),
        *(CostBound(round, Usage(), dear) for round, dear in enumerate(later, start=1)),
    ]


def check_first_request(config: RunConfig, task: Task) -> None:
    """Raises ConfigError if `teacher.budget` has no room for a new run's first request.

    A ledger that other runs share may hold its reply, so it is not checked then.
    """
    teacher = config.teacher
    if teacher.ledger is None:
        for first in annotation_requests(task.problems("train"), teacher, config.seed)[:1]:
            check_caps(first, teacher, prompts_of(teacher, task.kind))


def _longest_mistake(tokens: int | Literal["auto"]) -> int:
    """Bytes of a mistake that the teacher is shown, at the most."""
    return MAX_MISTAKE_BYTES if tokens == "auto" else min(MAX_MISTAKE_BYTES, tokens * MOST_BYTES_PER_TOKEN)


def _times(usage: Usage, times: int) -> Usage:
    return Usage(
        times * usage.requests, times * usage.prompt_tokens, times * usage.completion_tokens, times * usage.cost_usd
    )


def _size(usage: Usage) -> int:
    return usage.prompt_tokens


def _sum(usages: Iterable[Usage]) -> Usage:
    return sum(usages, Usage())
