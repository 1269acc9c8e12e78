"""Graded answers of the student: greedy ones for a split, or an exam's samples (rollouts), saved in shards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tutelage.config import EvaluationConfig
from tutelage.records import Attempt, Completion, Problem
from tutelage.runs.files import append_rows, write_rows
from tutelage.runs.seals import sealed, sound_rows
from tutelage.runs.stage import Stage
from tutelage.student.sampler import Sampled, greedy_sampling
from tutelage.student.student import Student
from tutelage.tasks.task import Task

ProblemsDone = Callable[[int, int], None]
"""Called with the number of newly answered problems and the tokens of their answers."""


def greedy_attempts(
    task: Task, student: Student, problems: Sequence[Problem], settings: EvaluationConfig, advance: ProblemsDone
) -> tuple[list[Attempt], Sampled]:
    """The greedy answer to every problem, graded, in the problems' order, and the cost of the sampling."""
    attempts: dict[int, Attempt] = {}

    def answered(place: int, completions: Sequence[Completion]) -> None:
        (attempts[place],) = graded(task, problems[place], completions)
        advance(1, attempts[place].tokens)

    cost = student.answer(problems, [0] * len(problems), greedy_sampling(settings), answered)
    return [attempts[place] for place in range(len(problems))], cost


def sat_whole(attempts: Iterable[Attempt], samples: int) -> set[str]:
    """Ids of the problems with complete attempts: each sample exactly once."""
    found: dict[str, list[int]] = {}
    for attempt in attempts:
        found.setdefault(attempt.problem_id, []).append(attempt.sample)
    return {problem for problem, numbers in found.items() if sorted(numbers) == list(range(samples))}


def go_on_sitting(path: Path, stage: Stage, problems: Sequence[Problem], samples: int) -> set[str]:
    """Ids of the problems with complete attempts on disk; incomplete ones (after a crash or an edit) are dropped."""
    attempts = sound_rows(path, Attempt, stage.key, unsealed=stage.unsealed)
    whole = sat_whole(attempts, samples) & {problem.id for problem in problems}
    write_rows(path, [sealed(attempt, stage.key) for attempt in attempts if attempt.problem_id in whole])
    return whole


class Shards:
    """Grades attempts and saves them under a stage's key, some problems at a time."""

    def __init__(
        self, task: Task, problems: Sequence[Problem], path: Path, key: str, size: int, advance: ProblemsDone
    ) -> None:
        self.task, self.problems, self.path, self.key = task, problems, path, key
        self.size, self.advance = size, advance
        self.tokens = 0
        self._waiting: list[list[Attempt]] = []

    def add(self, place: int, completions: Sequence[Completion]) -> None:
        """Grade the answers to a problem; save when a shard is full."""
        self._waiting.append(graded(self.task, self.problems[place], completions))
        tokens = sum(given.tokens for given in completions)
        self.tokens += tokens
        self.advance(1, tokens)
        if len(self._waiting) == self.size:
            self.save()

    def save(self) -> None:
        """Append the attempts that are not saved yet."""
        append_rows(self.path, [sealed(attempt, self.key) for attempts in self._waiting for attempt in attempts])
        self._waiting.clear()


def graded(task: Task, problem: Problem, completions: Sequence[Completion]) -> list[Attempt]:
    """Completions of a problem as graded attempts, in order."""
    return [
        Attempt(
            problem.id, sample, given.text, task.grade(problem, given.text), given.finish, given.tokens, given.thoughts
        )
        for sample, given in enumerate(completions)
    ]
