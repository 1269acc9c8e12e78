"""What a run's teacher can cost at most, before a cent is spent."""

from __future__ import annotations

from collections.abc import Sequence

from tutelage.config import RunConfig
from tutelage.records import CostBound, FeedbackRequest
from tutelage.rounds.material import annotation_requests
from tutelage.tasks.task import Task
from tutelage.teacher.budget import ASKS_PER_REQUEST, cost_of, estimate_request

BYTES_PER_TOKEN = 8
"""A generous bound on the length of a sampled token: common ones have 3 to 4 bytes, rare words up to 16."""


def estimate(config: RunConfig, task: Task) -> list[CostBound]:
    """Bounds round by round, all problems wrong in every exam, every reply rejected once and as long as allowed.

    The caps of `teacher.budget` hold besides. A run that is stopped early costs less.
    """
    problems = task.problems("train")
    mistake = "x" * (config.exam.max_new_tokens * BYTES_PER_TOKEN)
    first = annotation_requests(problems, config.teacher.annotations)
    replies = min(config.teacher.replies, config.exam.samples)
    later = [FeedbackRequest(problem, mistake, sample) for problem in problems for sample in range(replies)]
    rounds: Sequence[Sequence[FeedbackRequest]] = [first, *[later] * config.rounds.max]
    bounds = {id(requests): _bound(requests, config, task) for requests in (first, later)}
    return [CostBound(round, *bounds[id(requests)]) for round, requests in enumerate(rounds)]


def _bound(requests: Sequence[FeedbackRequest], config: RunConfig, task: Task) -> tuple[int, int, int, float]:
    settings = config.teacher
    tokens = [estimate_request(request, settings, task.kind) for request in requests]
    prompt, completion = sum(p for p, _ in tokens), sum(c for _, c in tokens)
    asks = ASKS_PER_REQUEST if settings.kind == "openai" else 1
    return len(requests) * asks, prompt, completion, cost_of(prompt, completion, settings.price)
