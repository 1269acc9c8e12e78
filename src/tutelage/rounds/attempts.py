"""A student's answers, graded: greedily to a split, or in an exam, shard by shard onto disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from tutelage.config import EvaluationConfig
from tutelage.records import Attempt, Completion, Problem
from tutelage.runs.files import append_rows, write_rows
from tutelage.runs.seals import sealed, sound_rows
from tutelage.student.sampler import Advance, Sampled, greedy_sampling
from tutelage.student.student import Student
from tutelage.tasks.task import Task


def greedy_attempts(
    task: Task, student: Student, problems: Sequence[Problem], settings: EvaluationConfig, advance: Advance
) -> tuple[list[Attempt], Sampled]:
    """The likeliest answer to every problem, graded, in their order, and what it cost."""
    attempts: dict[int, Attempt] = {}

    def answered(place: int, completions: Sequence[Completion]) -> None:
        (attempts[place],) = graded(task, problems[place], completions)
        advance(1)

    cost = student.answer(problems, [0] * len(problems), greedy_sampling(settings), answered)
    return [attempts[place] for place in range(len(problems))], cost


def sat_whole(attempts: Iterable[Attempt], samples: int) -> set[str]:
    """Problems that have been sat whole: each sample once, and no other."""
    found: dict[str, list[int]] = {}
    for attempt in attempts:
        found.setdefault(attempt.problem_id, []).append(attempt.sample)
    return {problem for problem, numbers in found.items() if sorted(numbers) == list(range(samples))}


def go_on_sitting(path: Path, key: str, problems: Sequence[Problem], samples: int) -> set[str]:
    """Those of the problems that have been sat whole; what a crash or an editor left of others is dropped."""
    attempts = sound_rows(path, Attempt, key)
    whole = sat_whole(attempts, samples) & {problem.id for problem in problems}
    write_rows(path, [sealed(attempt, key) for attempt in attempts if attempt.problem_id in whole])
    return whole


class Shards:
    """Keeps graded attempts on disk under a stage's key, some problems at a time."""

    def __init__(
        self, task: Task, problems: Sequence[Problem], path: Path, key: str, size: int, advance: Advance
    ) -> None:
        self.task, self.problems, self.path, self.key = task, problems, path, key
        self.size, self.advance = size, advance
        self.tokens = 0
        self._waiting: list[list[Attempt]] = []

    def add(self, place: int, completions: Sequence[Completion]) -> None:
        """Grade the answers to a problem; a full shard is saved."""
        self._waiting.append(graded(self.task, self.problems[place], completions))
        self.tokens += sum(given.tokens for given in completions)
        self.advance(1)
        if len(self._waiting) == self.size:
            self.save()

    def save(self) -> None:
        """Append what waits."""
        append_rows(self.path, [sealed(attempt, self.key) for attempts in self._waiting for attempt in attempts])
        self._waiting.clear()


def graded(task: Task, problem: Problem, completions: Sequence[Completion]) -> list[Attempt]:
    """Completions of a problem as attempts, in order."""
    return [
        Attempt(problem.id, sample, given.text, task.grade(problem, given.text), given.finish, given.tokens)
        for sample, given in enumerate(completions)
    ]
