"""What a task is, and how one is loaded.

>>> task = load_task("leg_counting", train=160, test=100)
>>> task.problems("train")[0].answer
'12'
>>> task.grade(task.problems("train")[0], "3 deer have 3 * 4 = 12 legs. The answer is 12.").correct
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Protocol

from tutelage.records import SPLITS, AnswerKind, Problem, Split, Verdict, WorkedExample
from tutelage.runs.files import digest


class Task(Protocol):
    """Problems in three splits and a grader: one of the four plug-in points."""

    @property
    def name(self) -> str:
        """The name it is loaded by."""
        ...

    @property
    def key(self) -> str:
        """Stands for how it grades, such as "my-task 2": a run goes on under the same one alone. See contracts.py."""
        ...

    @property
    def kind(self) -> AnswerKind:
        """What an answer is; it tells the teacher what form to state it in."""
        ...

    @property
    def examples(self) -> Sequence[WorkedExample]:
        """Worked examples for a few-shot prompt, none a problem of the task: three or four, or the user's own."""
        ...

    def problems(self, split: Split) -> Sequence[Problem]:
        """The problems of a split, each question once and in one split only, in a fixed order."""
        ...

    def grade(self, problem: Problem, text: str) -> Verdict:
        """Whether the final answer that `text` states has the value of the problem's answer."""
        ...


def task_digest(task: Task) -> str:
    """Stands for every problem of every split: a run is refused other problems than it began with."""
    return digest(*(asdict(problem) for split in SPLITS for problem in task.problems(split)))
