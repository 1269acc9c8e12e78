"""What a task is, and how one is loaded.

>>> task = load_task("gsm8k", path="data/gsm8k")
>>> task.problems("train")[0].answer
'72'
>>> task.grade(task.problems("train")[0], "48 / 2 = 24 and 48 + 24 = 72. The answer is 72.").correct
True
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tutelage.records import AnswerKind, Problem, Split, Verdict, WorkedExample


class Task(Protocol):
    """Problems in three splits and a grader: one of the three plug-in points."""

    @property
    def name(self) -> str:
        """The name it is loaded by."""
        ...

    @property
    def kind(self) -> AnswerKind:
        """What an answer is; it tells the teacher what form to state it in."""
        ...

    @property
    def examples(self) -> Sequence[WorkedExample]:
        """Three to five worked examples for a few-shot prompt, none of them a problem of the task."""
        ...

    def problems(self, split: Split) -> Sequence[Problem]:
        """The problems of a split, each question once and in one split only, in a fixed order."""
        ...

    def grade(self, problem: Problem, text: str) -> Verdict:
        """Whether the final answer that `text` states has the value of the problem's answer."""
        ...
