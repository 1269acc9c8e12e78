"""The Task protocol, and how a task is used.

>>> task = load_task("leg_counting", train=160, test=100)
>>> task.problems("train")[0].answer
'12'
>>> task.grade(task.problems("train")[0], "3 deer have 3 * 4 = 12 legs. The answer is 12.").correct
True
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tutelage.errors import ConfigError
from tutelage.records import SPLITS, AnswerKind, Problem, Split, Verdict, WorkedExample
from tutelage.runs.files import digest, plain


class Task(Protocol):
    """Problems in three splits and a grader: one of the four plug-in points."""

    @property
    def name(self) -> str:
        """The name in the configuration."""
        ...

    @property
    def key(self) -> str:
        """Identifies how the task grades, such as "my-task 2"; a run resumes only under the same key (contracts.py)."""
        ...

    @property
    def kind(self) -> AnswerKind:
        """The kind of its answers; it determines the form in which the teacher states them."""
        ...

    @property
    def examples(self) -> Sequence[WorkedExample]:
        """Worked examples for a few-shot prompt, none of them a problem of the task: three or four, or as set."""
        ...

    def problems(self, split: Split) -> Sequence[Problem]:
        """The problems of a split, each question once and in one split only, in a fixed order."""
        ...

    def grade(self, problem: Problem, text: str) -> Verdict:
        """Whether the final answer that `text` states has the value of the problem's answer."""
        ...


def check_few_shot(wanted: int, task: Task) -> None:
    """Raises ConfigError if the task has fewer worked examples than `student.few_shot` asks for."""
    if wanted > len(task.examples):
        raise ConfigError(
            f"student.few_shot is {wanted}, but task {task.name!r} has {len(task.examples)} worked examples"
        )


def task_digest(task: Task) -> str:
    """A digest of all problems of all splits; a run can't be resumed with other problems."""
    return digest(*(plain(problem) for split in SPLITS for problem in task.problems(split)))
